# weir_flow_tests(label): each test_*.py of this folder is one ctest.
function(weir_flow_tests label)
    set(sanitized 0)
    if(WEIR_SANITIZE)
        set(sanitized 1)
    endif()
    file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/test_*.py)
    foreach(test ${tests})
        get_filename_component(stem ${test} NAME_WE)
        add_test(NAME ${label}_${stem} COMMAND Python3::Interpreter -B ${test} -v)
        set_tests_properties(${label}_${stem} PROPERTIES LABELS ${label} TIMEOUT 600
            ENVIRONMENT "WEIR=$<TARGET_FILE:weir>;WEIR_FAKE_S3=$<TARGET_FILE:weir_fake_s3>;WEIR_SANITIZED=${sanitized};PYTHONPATH=${PROJECT_SOURCE_DIR}/tests/flow:${PROJECT_SOURCE_DIR}/tests/fakes")
    endforeach()
endfunction()
