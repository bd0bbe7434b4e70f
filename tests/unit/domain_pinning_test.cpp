#include "domain/pinning.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vmconvert::domain {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

model::CpuPinning pinning(const std::string& inside) {
  model::Domain domain;
  domain.xml = "<domain type='xen'><name>web01</name>" + inside + "</domain>";
  return read_pinning(domain, "a test");
}

TEST(Pinning, IsNoneForADescriptionWithout) {
  const auto found = pinning(
      "<vcpu placement='static'>2</vcpu><cputune><shares>512</shares></cputune>"
      "<cpu><topology sockets='1' cores='2' threads='1'/></cpu>");
  EXPECT_THAT(found.pins, IsEmpty());
  EXPECT_FALSE(found.numa_cells);
}

TEST(Pinning, IsReadFromAllItsPlaces) {
  const auto found = pinning(
      "<vcpu cpuset='0-3'>2</vcpu>"
      "<cputune><vcpupin vcpu='0' cpuset='4-7'/><vcpupin vcpu='1' cpuset='^2,1'/>"
      "<emulatorpin cpuset='8'/><iothreadpin iothread='1' cpuset='9'/></cputune>"
      "<numatune><memory mode='strict' nodeset='1'/></numatune>"
      "<cpu><numa><cell id='0' cpus='0-1' memory='1' unit='GiB'/></numa></cpu>");
  EXPECT_THAT(found.pins,
              ElementsAre("all processors to 0-3", "processor 0 to 4-7", "processor 1 to ^2,1",
                          "the emulator to 8", "I/O thread 1 to 9", "memory to node 1"));
  EXPECT_TRUE(found.numa_cells);
}

TEST(Pinning, IsBounded) {
  std::string pins;
  for (int i = 0; i < 1000; ++i) {
    pins += "<vcpupin vcpu='" + std::string(200, '1') + "' cpuset='2'/>";
  }
  const auto found = pinning("<cputune>" + pins + "</cputune>");
  EXPECT_EQ(found.pins.size(), 256U);
  EXPECT_LT(found.pins[0].size(), 100U);
}

}  // namespace
}  // namespace vmconvert::domain
