// XML in and out. Descriptions come from people and from other hosts: nothing is fetched, no entity
// is substituted, a DOCTYPE is refused, and size and depth have limits. Nothing goes to stderr.
#pragma once

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlerror.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/owned.hpp"

namespace vmconvert::domain {

inline void free_xml_string(xmlChar* text) {
  xmlFree(text);
}
inline void free_parser(xmlParserCtxt* parser) {
  xmlFreeParserCtxt(parser);
}

using XmlDoc = Owned<xmlDoc, xmlFreeDoc>;
using XmlString = Owned<xmlChar, free_xml_string>;
using XmlParser = Owned<xmlParserCtxt, free_parser>;

inline constexpr std::size_t k_xml_limit = 1U << 20U;  // bytes of one description
inline constexpr int k_xml_depth_limit = 64;           // elements within elements

// While it lives, what libxml2 has to say in this thread is kept here, instead of on stderr.
class XmlErrors {
 public:
  XmlErrors();
  XmlErrors(const XmlErrors&) = delete;
  XmlErrors& operator=(const XmlErrors&) = delete;
  ~XmlErrors();

  // At most 20 lines, "line 3: Opening and ending tag mismatch", oldest first.
  [[nodiscard]] const std::vector<std::string>& lines() const noexcept { return m_lines; }
  // The first `count` of them, joined by "; ".
  [[nodiscard]] std::string first(std::size_t count) const;

 private:
  static void take(void* self, xmlErrorPtr error) noexcept;

  std::vector<std::string> m_lines;
  xmlStructuredErrorFunc m_old_handler;
  void* m_old_context;
};

// `origin` names the text in messages: a path, or "domain NAME at URI".
// Throws bad_input: larger than k_xml_limit, deeper than k_xml_depth_limit, a DOCTYPE, not well
// formed (the message has the line). `names` is the dictionary that the tree is to share: libxslt
// wants a stylesheet's documents to share the stylesheet's.
XmlDoc parse_xml(std::string_view text, const std::string& origin, xmlDict* names = nullptr);

// Indented by two blanks, no declaration, one newline at the end: the form that is written to files
// and compared in diffs. Throws what parse_xml throws.
std::string pretty(const std::string& xml);

// The same of a tree: blank text between elements is removed from it first.
std::string to_pretty_text(xmlDoc& document);

}  // namespace vmconvert::domain
