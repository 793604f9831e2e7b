#!/usr/bin/env python3
"""The fake against its own rules: every refusal and every fault is provoked once.
Usage: WEIR_FAKE_S3=path/to/weir_fake_s3 python3 selftest.py [unittest options]"""
import sys
import unittest

MODULES = ["selftest_access", "selftest_objects", "selftest_multipart", "selftest_listing",
           "selftest_faults", "selftest_copies"]

if __name__ == "__main__":
    named = [a for a in sys.argv[1:] if not a.startswith("-")]
    unittest.main(module=None, argv=sys.argv + ([] if named else MODULES))
