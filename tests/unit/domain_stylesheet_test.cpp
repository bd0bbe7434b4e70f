// Stylesheets of a site's own: what they may do, and what they may not.
#include <fmt/format.h>

#include "base/temp_dir.hpp"
#include "domain/rewrite.hpp"
#include "domain/validate.hpp"
#include "unit/domain_support.hpp"

namespace vmconvert::domain {
namespace {

namespace fs = std::filesystem;

class DomainStylesheet : public ::testing::Test {
 protected:
  RewriteRequest with(const std::string& body) {
    RewriteRequest request;
    request.source_xml = dump("pv-disk-pygrub.inactive");
    request.name = "web01";
    request.disks = {{"vda", "/srv/web01-vda.raw"}};
    request.stylesheet = m_dir.path() / "site.xsl";
    std::ofstream(request.stylesheet)
        << "<xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform'>" +
               body + "</xsl:stylesheet>";
    return request;
  }
  void expect_refused(const std::string& body, const std::string& says) {
    ::testing::internal::CaptureStderr();
    const auto error = error_of([&] { rewrite_domain(with(body)); });
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
    ASSERT_TRUE(error) << body;
    EXPECT_EQ(error->kind(), ErrorKind::bad_input);
    EXPECT_NE(error->message().find(says), std::string::npos) << error->message();
    EXPECT_NE(error->message().find("site.xsl"), std::string::npos) << error->message();
    EXPECT_FALSE(error->remedy().empty());
  }

  TempDir m_dir{fs::temp_directory_path(), "vmconvert-xsl"};
};

// The example of templates/domain/README.md.
TEST_F(DomainStylesheet, ASiteMapsItsBridge) {
  fs::copy_file(k_templates / "xen-to-kvm.xsl", m_dir.path() / "xen-to-kvm.xsl");
  const std::string xml =
      rewrite_domain(with("<xsl:import href='xen-to-kvm.xsl'/>"
                          "<xsl:template match=\"interface/source/@bridge[. = 'xenbr0']\">"
                          "<xsl:attribute name='bridge'>br0</xsl:attribute></xsl:template>"));
  EXPECT_NE(xml.find("<source bridge=\"br0\"/>"), std::string::npos);
  EXPECT_EQ(xml.find("xenbr0"), std::string::npos);
  EXPECT_TRUE(validate_domain_xml(xml).checked);
}

TEST_F(DomainStylesheet, ImportsStayInTheFolder) {
  expect_refused(fmt::format("<xsl:import href='{}'/>", (k_templates / "xen-to-kvm.xsl").string()),
                 "xen-to-kvm.xsl");
  expect_refused("<xsl:import href='http://127.0.0.1:1/x.xsl'/>", "127.0.0.1");
  expect_refused("<xsl:include href='../../etc/passwd'/>", "passwd");
}

TEST_F(DomainStylesheet, FilesCannotBeRead) {
  std::ofstream(m_dir.path() / "secret.xml") << "<s>s3cret</s>";
  const std::string body =
      "<xsl:template match='/'><domain><name>web01</name><title><xsl:value-of "
      "select=\"document('{}')\"/></title></domain></xsl:template>";
  for (const std::string& path : {std::string("secret.xml"), (m_dir.path() / "secret.xml").string(),
                                  std::string("http://127.0.0.1:1/x.xml")}) {
    std::string result;
    try {
      result = rewrite_domain(with(fmt::format(fmt::runtime(body), path)));
    } catch (const Error& error) {
      result = error.message();
    }
    EXPECT_EQ(result.find("s3cret"), std::string::npos) << result;
  }
}

TEST_F(DomainStylesheet, FilesCannotBeWritten) {
  const fs::path file = m_dir.path() / "written";
  try {
    rewrite_domain(
        with(fmt::format("<xsl:template match='/'><e:document xmlns:e='http://exslt.org/common' "
                         "xsl:extension-element-prefixes='e' href='{}'><x/></e:document>"
                         "<domain><name>web01</name></domain></xsl:template>",
                         file.string())));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_input);
  }
  EXPECT_FALSE(fs::exists(file));
}

TEST_F(DomainStylesheet, EndlessWorkEnds) {
  expect_refused(
      "<xsl:template match='/' name='again'><xsl:call-template name='again'/></xsl:template>",
      "no description");
  expect_refused(
      "<xsl:template match='/'><xsl:for-each select='//node()'><xsl:for-each select='//node()'>"
      "<xsl:for-each select='//node()'><xsl:value-of select='count(//node()[//node()])'/>"
      "</xsl:for-each></xsl:for-each></xsl:for-each></xsl:template>",
      "no description");
}

TEST_F(DomainStylesheet, ItsOwnMessageIsPassedOn) {
  expect_refused(
      "<xsl:template match='/'><xsl:message terminate='yes'>this bridge is not ours"
      "</xsl:message></xsl:template>",
      "this bridge is not ours");
}

TEST_F(DomainStylesheet, WrongStylesheets) {
  expect_refused("<xsl:template match='///'/>", "cannot be used");
  expect_refused("<xsl:template match='/'><xsl:nonsense/></xsl:template>", "nonsense");
  expect_refused("<unclosed>", "not well-formed");
  expect_refused("<xsl:template match='/'/>", "no description");
  expect_refused("<xsl:template match='/'><domain><name>other</name></domain></xsl:template>",
                 "no <domain> with the name \"web01\"");
  expect_refused("<xsl:template match='/'><network><name>web01</name></network></xsl:template>",
                 "no <domain>");
}

TEST_F(DomainStylesheet, NotAStylesheetAndNotThere) {
  RewriteRequest request = with("");
  std::ofstream(request.stylesheet) << "<html/>";
  EXPECT_EQ(error_of([&] { rewrite_domain(request); })->kind(), ErrorKind::bad_input);
  request.stylesheet = m_dir.path() / "missing.xsl";
  const auto error = error_of([&] { rewrite_domain(request); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::not_found);
  EXPECT_NE(error->message().find("missing.xsl"), std::string::npos);
}

TEST_F(DomainStylesheet, RequestsThatCannotBe) {
  RewriteRequest request = with("<xsl:template match='/'/>");
  request.name = "../x";
  EXPECT_EQ(error_of([&] { rewrite_domain(request); })->kind(), ErrorKind::bad_input);
  request.name = "web01";
  request.disks[0].path = "relative.raw";
  EXPECT_EQ(error_of([&] { rewrite_domain(request); })->kind(), ErrorKind::bad_input);
}

TEST(DomainValidate, NamesWhatTheSchemaRefuses) {
  const auto error = error_of([] {
    validate_domain_xml(
        "<domain type='kvm'>\n<name>g</name>\n<memory>1024</memory>\n"
        "<os><type>hvm</type></os>\n<bogus/></domain>");
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::bad_input);
  EXPECT_NE(error->message().find("bogus"), std::string::npos) << error->message();
  EXPECT_NE(error->message().find("line "), std::string::npos) << error->message();
}

TEST(DomainValidate, AnAbsentSchemaIsSaid) {
  const Validation result = validate_domain_xml("<domain/>", "/nonexistent/domain.rng");
  EXPECT_FALSE(result.checked);
  EXPECT_NE(result.note.find("/nonexistent/domain.rng"), std::string::npos);
}

TEST(DomainValidate, ABrokenSchemaIsTheToolsFault) {
  const TempDir dir(fs::temp_directory_path(), "vmconvert-rng");
  std::ofstream(dir.path() / "x.rng") << "<grammar/>";
  const auto error = error_of([&] { validate_domain_xml("<domain/>", dir.path() / "x.rng"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::tool_failed);
}

}  // namespace
}  // namespace vmconvert::domain
