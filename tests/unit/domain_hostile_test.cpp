// Descriptions that were written to hurt.
#include <fmt/format.h>

#include <chrono>

#include "domain/read.hpp"
#include "domain/values.hpp"
#include "domain/xml.hpp"
#include "unit/domain_support.hpp"

namespace vmconvert::domain {
namespace {

std::string named(const std::string& name) {
  return "<domain type='xen'><name>" + name +
         "</name><memory>1024</memory><os><type>linux</type></os></domain>";
}

void expect_refused(const std::string& xml, const std::string& says) {
  ::testing::internal::CaptureStderr();
  const auto error = error_of([&] { read_domain_xml(xml, "evil.xml"); });
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  ASSERT_TRUE(error) << says;
  EXPECT_EQ(error->kind(), ErrorKind::bad_input);
  EXPECT_NE(error->message().find(says), std::string::npos) << error->message();
  EXPECT_TRUE(error->message().starts_with("evil.xml: ")) << error->message();
  EXPECT_LT(error->message().size(), 600U);
}

TEST(DomainHostile, EntityBomb) {
  std::string bomb = "<!DOCTYPE d [<!ENTITY a0 'aaaaaaaaaaaaaaaa'>";
  for (int i = 1; i < 30; ++i) {
    bomb += fmt::format("<!ENTITY a{} '&a{};&a{};&a{};&a{};'>", i, i - 1, i - 1, i - 1, i - 1);
  }
  const auto start = std::chrono::steady_clock::now();
  expect_refused(bomb + "]>" + named("&a29;"), "DOCTYPE");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST(DomainHostile, ExternalEntitiesAndDocumentTypes) {
  expect_refused("<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/hostname'>]>" + named("&x;"),
                 "DOCTYPE");
  expect_refused("<!DOCTYPE d SYSTEM 'http://127.0.0.1:1/d.dtd'>" + named("g"), "DOCTYPE");
  expect_refused("<!DOCTYPE d [<!ENTITY % p SYSTEM 'file:///etc/hostname'> %p;]>" + named("g"),
                 "DOCTYPE");
  expect_refused(named("&undeclared;"), "line 1");
}

TEST(DomainHostile, InclusionsAreNotFollowed) {
  const auto domain = read_domain_xml(
      "<domain type='xen' xmlns:xi='http://www.w3.org/2001/XInclude'><name>g</name>"
      "<memory>1024</memory><os><type>linux</type></os><devices>"
      "<xi:include href='/etc/hostname' parse='text'/></devices></domain>",
      "x");
  EXPECT_EQ(domain.name, "g");
  EXPECT_TRUE(domain.disks.empty());
}

TEST(DomainHostile, NotWellFormedNamesTheLine) {
  expect_refused("<domain>\n<name>g</name>\n<os>\n</domain>", "line 4");
  expect_refused("", "empty");
  expect_refused("not xml", "line 1");
  expect_refused("<domain>\xff\xfe</domain>", "line 1");
}

TEST(DomainHostile, TooLarge) {
  const std::string attribute(k_xml_limit, 'a');
  expect_refused("<domain type='" + attribute + "'/>", "more than the limit of 1048576");
  // Below the limit, a huge value is only an odd one.
  const std::string huge(900000, 'a');
  expect_refused(named(huge), "longer than 200 bytes");
  expect_refused("<" + huge + "/>", "Name too long");
  expect_refused("<" + huge.substr(0, 40000) + "/>", "not a libvirt domain description");
  const auto error = error_of([&] {
    read_domain_xml("<domain><name>g</name><os><type>" + huge + "</type></os></domain>", "x");
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::unsupported);
  EXPECT_LT(error->message().size(), 300U);
}

TEST(DomainHostile, TooDeep) {
  const auto nested = [](int depth) {
    std::string open, close;
    for (int i = 0; i < depth; ++i) {
      open += "<a>";
      close += "</a>";
    }
    return "<domain>\n" + open + close + "</domain>";
  };
  expect_refused(nested(100), "nested more than 64 deep");
  expect_refused(nested(100000), "line 2");
  EXPECT_EQ(pretty(nested(2)), "<domain>\n  <a>\n    <a/>\n  </a>\n</domain>\n");
}

TEST(DomainHostile, NamesThatAreNoFileNames) {
  expect_refused(named(""), "it is empty");
  expect_refused(named("  "), "it is empty");
  expect_refused(named("."), "it means a folder");
  expect_refused(named(".."), "it means a folder");
  expect_refused(named("../../etc/cron.d/x"), "it has a slash");
  expect_refused(named("a&#10;b"), "control character");
  expect_refused(named("a&#9;b"), "control character");
  expect_refused(named("a&#127;b"), "control character");
  expect_refused(named(std::string(201, 'n')), "longer than 200 bytes");
  expect_refused(named("a&#1;b"), "line 1");  // libxml2 refuses it before we do
  EXPECT_EQ(read_domain_xml(named("web..01 \xc3\xa4"), "x").name, "web..01 \xc3\xa4");
  EXPECT_THROW(check_domain_name("a\xff", "--name"), Error);
  EXPECT_THROW(check_domain_name(std::string_view("a\0b", 3), "--name"), Error);
}

TEST(DomainHostile, ThousandsOfDisksAndInterfaces) {
  std::string disks, nics;
  for (int i = 0; i < 5000; ++i) {
    disks += fmt::format("<disk><source file='/a'/><target dev='x{}'/></disk>", i);
    nics += "<interface type='bridge'/>";
  }
  const auto with = [](const std::string& devices) {
    std::string xml = named("g");
    return xml.insert(xml.find("</domain>"), "<devices>" + devices + "</devices>");
  };
  expect_refused(with(disks), "5000 disks are more than the limit of 256");
  expect_refused(with(nics), "5000 network interfaces");
}

TEST(DomainHostile, OtherDocuments) {
  expect_refused("<network><name>g</name></network>", "begins with \"network\"");
  expect_refused("<d:domain xmlns:d='urn:x'><name>g</name></d:domain>", "begins with \"domain\"");
}

// Every prefix of a real description, and every single byte replaced: an Error, or a Domain.
TEST(DomainHostile, DamagedDescriptions) {
  const std::string whole = dump("pv-partition.running");
  std::size_t refused = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const std::string& damaged :
         {whole.substr(0, i), std::string(whole).replace(i, 1, 1, '\0'),
          std::string(whole).replace(i, 1, "<"), std::string(whole).replace(i, 1, "/")}) {
      try {
        read_domain_xml(damaged, "damaged");
      } catch (const Error& error) {
        ++refused;
        EXPECT_NE(error.kind(), ErrorKind::internal) << error.message();
      }
    }
  }
  EXPECT_GT(refused, 2 * whole.size());
}

TEST(DomainXml, PrettyIsStableAndKeepsText) {
  const std::string text =
      "<domain><!-- c --><name>a &amp; b</name><description>two\nlines</description></domain>";
  const std::string once = pretty(text);
  EXPECT_EQ(once,
            "<domain>\n  <!-- c -->\n  <name>a &amp; b</name>\n"
            "  <description>two\nlines</description>\n</domain>\n");
  EXPECT_EQ(pretty(once), once);
  for (const std::string& name : k_dumps) {
    EXPECT_EQ(pretty(pretty(dump(name))), pretty(dump(name))) << name;
  }
}

}  // namespace
}  // namespace vmconvert::domain
