#include "domain/xml.hpp"

#include <fmt/format.h>
#include <libxml/globals.h>

#include <algorithm>
#include <new>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vmconvert::domain {
namespace {

constexpr std::size_t k_max_error_lines = 20;
constexpr std::size_t k_max_error_text = 300;

// libxml2 hands its parser to the SAX callbacks. A document type is where entities are declared, so
// the parser is stopped before it reads the first of them.
void refuse_document_type(void* context, const xmlChar*, const xmlChar*, const xmlChar*) {
  auto* parser = static_cast<xmlParserCtxt*>(context);
  *static_cast<bool*>(parser->_private) = true;
  xmlStopParser(parser);
}

// The node after `node` in document order, within `root`; `depth` is kept up to date.
xmlNode* next_node(xmlNode* node, const xmlNode* root, int& depth) {
  if (node->type == XML_ELEMENT_NODE && node->children != nullptr) {
    ++depth;
    return node->children;
  }
  while (node != root && node->next == nullptr) {
    node = node->parent;
    --depth;
  }
  return node == root ? nullptr : node->next;
}

void check_depth(const XmlDoc& document, const std::string& origin) {
  xmlNode* const root = xmlDocGetRootElement(document.get());
  int depth = 1;
  for (xmlNode* node = root; node != nullptr; node = next_node(node, root, depth)) {
    if (node->type == XML_ELEMENT_NODE && depth > k_xml_depth_limit) {
      throw Error(ErrorKind::bad_input,
                  fmt::format("{}: line {}: elements are nested more than {} deep", origin,
                              xmlGetLineNo(node), k_xml_depth_limit),
                  "give a libvirt domain description, as virsh dumpxml prints it");
    }
  }
}

bool has_element_child(const xmlNode& node) {
  for (const xmlNode* child = node.children; child != nullptr; child = child->next) {
    if (child->type == XML_ELEMENT_NODE) {
      return true;
    }
  }
  return false;
}

// Blanks between elements would keep libxml2 from indenting.
void remove_blanks(xmlNode* root) {
  int depth = 1;
  xmlNode* node = root;
  while (node != nullptr) {
    if (node->type == XML_ELEMENT_NODE && has_element_child(*node)) {
      for (xmlNode* child = node->children; child != nullptr;) {
        xmlNode* const next = child->next;
        if (xmlIsBlankNode(child) == 1) {
          xmlUnlinkNode(child);
          xmlFreeNode(child);
        }
        child = next;
      }
    }
    node = next_node(node, root, depth);
  }
}

}  // namespace

XmlErrors::XmlErrors()
    : m_old_handler(xmlStructuredError), m_old_context(xmlStructuredErrorContext) {
  xmlSetStructuredErrorFunc(this, reinterpret_cast<xmlStructuredErrorFunc>(&XmlErrors::take));
}

XmlErrors::~XmlErrors() {
  xmlSetStructuredErrorFunc(m_old_context, m_old_handler);
}

void XmlErrors::take(void* self, xmlErrorPtr error) noexcept {
  auto& lines = static_cast<XmlErrors*>(self)->m_lines;
  if (error == nullptr || lines.size() >= k_max_error_lines) {
    return;
  }
  try {
    const std::string text = printable(
        trim(std::string_view(error->message == nullptr ? "unknown error" : error->message)
                 .substr(0, k_max_error_text)));
    lines.push_back(error->line > 0 ? fmt::format("line {}: {}", error->line, text) : text);
  } catch (const std::exception&) {
    return;  // no memory for a message: the caller still sees the failure itself
  }
}

std::string XmlErrors::first(std::size_t count) const {
  std::vector<std::string> some(
      m_lines.begin(),
      m_lines.begin() + static_cast<std::ptrdiff_t>(std::min(count, m_lines.size())));
  return join(some, "; ");
}

XmlDoc parse_xml(std::string_view text, const std::string& origin, xmlDict* names) {
  if (text.size() > k_xml_limit) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{}: {} bytes of XML are more than the limit of {}", origin,
                            text.size(), k_xml_limit),
                "give a libvirt domain description, as virsh dumpxml prints it");
  }
  const XmlErrors errors;
  const XmlParser parser(xmlNewParserCtxt());
  if (!parser) {
    throw std::bad_alloc();
  }
  if (names != nullptr) {
    xmlDictFree(parser->dict);
    parser->dict = names;
    xmlDictReference(names);
  }
  bool has_document_type = false;
  parser->_private = &has_document_type;
  parser->sax->internalSubset = refuse_document_type;
  constexpr int k_options = XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_COMPACT;
  XmlDoc document(xmlCtxtReadMemory(parser.get(), text.data(), static_cast<int>(text.size()),
                                    nullptr, nullptr, k_options));
  if (has_document_type) {
    throw Error(ErrorKind::bad_input,
                fmt::format("{}: it has a DOCTYPE, which a domain description never has", origin),
                "remove the DOCTYPE and its entities");
  }
  if (!document || parser->wellFormed == 0 || xmlDocGetRootElement(document.get()) == nullptr) {
    const std::string why = errors.first(1);
    throw Error(
        ErrorKind::bad_input,
        fmt::format("{}: it is not well-formed XML: {}", origin, why.empty() ? "it is empty" : why),
        "look at it with: xmllint --noout FILE");
  }
  check_depth(document, origin);
  return document;
}

std::string to_pretty_text(xmlDoc& document) {
  xmlNode* const root = xmlDocGetRootElement(&document);
  if (root == nullptr) {
    return {};
  }
  const XmlErrors errors;
  remove_blanks(root);
  xmlIndentTreeOutput = 1;
  const Owned<xmlBuffer, xmlBufferFree> buffer(xmlBufferCreate());
  if (!buffer || xmlNodeDump(buffer.get(), &document, root, 0, 1) < 0) {
    throw Error(ErrorKind::internal, "writing XML: " + errors.first(1));
  }
  const auto* text = reinterpret_cast<const char*>(xmlBufferContent(buffer.get()));
  return std::string(text, static_cast<std::size_t>(xmlBufferLength(buffer.get()))) + "\n";
}

std::string pretty(const std::string& xml) {
  const XmlDoc document = parse_xml(xml, "domain XML");
  return to_pretty_text(*document);
}

}  // namespace vmconvert::domain
