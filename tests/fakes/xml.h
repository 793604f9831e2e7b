/* xml -- writing of replies and a strict reader of request bodies. */
#ifndef FAKE_XML_H
#define FAKE_XML_H

#include "buf.h"

#define FAKE_XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define FAKE_XML_NS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

void fake_xml_escape(struct fake_buf *out, const char *text);
void fake_xml_element(struct fake_buf *out, const char *name, const char *text);

/* A document as a tree.  Children in document order; text is that of the element itself,
 * entities resolved, line ends normalised as XML demands. */
struct fake_xml {
    char *name, *text;
    struct fake_xml *child, *next;
};
/* NULL when it is not well formed, is nested deeper than 16, has a DOCTYPE or a character
 * that XML 1.0 forbids.  Free with fake_xml_free(). */
struct fake_xml *fake_xml_parse(const char *text);
void fake_xml_free(struct fake_xml *x);
/* Text of the first child named @name, or NULL. */
const char *fake_xml_child_text(const struct fake_xml *x, const char *name);

#endif
