#include "domain/stylesheet.hpp"

#include <fmt/format.h>
#include <libxslt/documents.h>
#include <libxslt/security.h>
#include <libxslt/transform.h>
#include <libxslt/variables.h>
#include <libxslt/xsltInternals.h>
#include <libxslt/xsltutils.h>

#include <cstdarg>
#include <mutex>
#include <new>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/owned.hpp"
#include "base/text.hpp"

namespace vmconvert::domain {
namespace {

namespace fs = std::filesystem;

using Stylesheet = Owned<xsltStylesheet, xsltFreeStylesheet>;
using Transform = Owned<xsltTransformContext, xsltFreeTransformContext>;
using SecurityPrefs = Owned<xsltSecurityPrefs, xsltFreeSecurityPrefs>;

// Bounds for a stylesheet that loops: templates within templates, and steps of XPath and XSLT.
constexpr int k_template_depth = 200;
constexpr unsigned long k_operations = 2'000'000;
constexpr std::size_t k_messages_limit = 4096;

// libxslt reports through printf-like calls with a fragment of a line each.
void take_message(void* context, const char* format, ...) {
  auto& text = *static_cast<std::string*>(context);
  char buffer[1024];
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  if (length > 0 && text.size() < k_messages_limit) {
    text += buffer;
  }
}

std::string one_line(const std::string& messages) {
  std::vector<std::string> parts;
  for (const std::string& line : lines(messages)) {
    if (!trim(line).empty()) {
      parts.emplace_back(trim(line));
    }
  }
  return printable(join(parts, "; "));
}

bool lies_within(const fs::path& path, const fs::path& folder) {
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

// The folder of the stylesheet that was asked for; compile() leaves it there.
const fs::path* import_folder(const xsltStylesheet* stylesheet) {
  while (stylesheet->parent != nullptr) {
    stylesheet = stylesheet->parent;
  }
  return static_cast<const fs::path*>(stylesheet->_private);
}

// xsl:import and xsl:include may read beside the stylesheet and below; document() nothing at all.
xmlDocPtr load_import(const xmlChar* uri, xmlDictPtr names, int, void* context, xsltLoadType type) {
  if (type != XSLT_LOAD_STYLESHEET || context == nullptr) {
    return nullptr;
  }
  try {
    const fs::path* folder = import_folder(static_cast<const xsltStylesheet*>(context));
    const fs::path path = fs::weakly_canonical(reinterpret_cast<const char*>(uri));
    if (folder == nullptr || !lies_within(path, *folder)) {
      return nullptr;
    }
    XmlDoc document = parse_xml(read_text_file(path, k_xml_limit), path.string(), names);
    document->URL = xmlStrdup(uri);
    return document.release();
  } catch (const std::exception&) {
    return nullptr;  // libxslt says which file it could not load
  }
}

void ignore_message(void*, const char*, ...) {}

// While compiling, libxslt has one place for messages in the whole process.
class CompileMessages {
 public:
  explicit CompileMessages(std::string& messages) : m_lock(mutex()) {
    xsltSetLoaderFunc(load_import);
    xsltSetGenericErrorFunc(&messages, take_message);
  }
  CompileMessages(const CompileMessages&) = delete;
  CompileMessages& operator=(const CompileMessages&) = delete;
  ~CompileMessages() { xsltSetGenericErrorFunc(nullptr, ignore_message); }

 private:
  static std::mutex& mutex() {
    static std::mutex one;
    return one;
  }
  std::lock_guard<std::mutex> m_lock;
};

Stylesheet compile(const fs::path& path) {
  const fs::path real = fs::weakly_canonical(path);
  std::string messages;
  fs::path folder = real.parent_path();
  const XmlErrors xml_errors;
  Stylesheet stylesheet(xsltNewStylesheet());
  if (!stylesheet) {
    throw std::bad_alloc();
  }
  XmlDoc document = parse_xml(read_text_file(real, k_xml_limit), path.string(), stylesheet->dict);
  document->URL = xmlStrdup(reinterpret_cast<const xmlChar*>(real.c_str()));
  stylesheet->_private = &folder;
  int failed = 0;
  {
    const CompileMessages scope(messages);
    failed = xsltParseStylesheetUser(stylesheet.get(), document.get());
  }
  stylesheet->_private = nullptr;
  if (failed != 0) {
    stylesheet->doc = nullptr;  // then the document is still ours
  } else {
    static_cast<void>(document.release());  // it belongs to the stylesheet now
  }
  if (failed != 0 || stylesheet->errors != 0 || !messages.empty()) {
    const std::string why = messages.empty() ? xml_errors.first(1) : one_line(messages);
    throw Error(ErrorKind::bad_input,
                fmt::format("the stylesheet {} cannot be used: {}", path.string(),
                            why.empty() ? "it is not XSLT" : why),
                "compare it with templates/domain/xen-to-kvm.xsl; imports must lie beside it");
  }
  return stylesheet;
}

SecurityPrefs forbid_everything() {
  SecurityPrefs prefs(xsltNewSecurityPrefs());
  if (!prefs) {
    throw std::bad_alloc();
  }
  for (const xsltSecurityOption option :
       {XSLT_SECPREF_READ_FILE, XSLT_SECPREF_WRITE_FILE, XSLT_SECPREF_CREATE_DIRECTORY,
        XSLT_SECPREF_READ_NETWORK, XSLT_SECPREF_WRITE_NETWORK}) {
    xsltSetSecurityPrefs(prefs.get(), option, xsltSecurityForbid);
  }
  return prefs;
}

}  // namespace

XmlDoc apply_stylesheet(const fs::path& path, xmlDoc& input,
                        const StylesheetParameters& parameters) {
  const Stylesheet stylesheet = compile(path);
  const SecurityPrefs prefs = forbid_everything();  // outlives the transform that points to it
  const Transform transform(xsltNewTransformContext(stylesheet.get(), &input));
  if (!transform) {
    throw std::bad_alloc();
  }
  std::string messages;
  const XmlErrors xml_errors;
  xsltSetTransformErrorFunc(transform.get(), &messages, take_message);
  xsltSetCtxtSecurityPrefs(prefs.get(), transform.get());
  transform->maxTemplateDepth = k_template_depth;
  transform->opLimit = k_operations;
  transform->xpathCtxt->opLimit = k_operations;
  for (const auto& [name, value] : parameters) {
    xsltQuoteOneUserParam(transform.get(), reinterpret_cast<const xmlChar*>(name.c_str()),
                          reinterpret_cast<const xmlChar*>(value.c_str()));
  }
  XmlDoc result(xsltApplyStylesheetUser(stylesheet.get(), &input, nullptr, nullptr, nullptr,
                                        transform.get()));
  if (transform->state != XSLT_STATE_OK || !result ||
      xmlDocGetRootElement(result.get()) == nullptr) {
    const std::string why = messages.empty() ? xml_errors.first(1) : one_line(messages);
    throw Error(ErrorKind::bad_input,
                fmt::format("the stylesheet {} made no description: {}", path.string(),
                            why.empty() ? "its result is empty" : why),
                "try it without --template");
  }
  return result;
}

}  // namespace vmconvert::domain
