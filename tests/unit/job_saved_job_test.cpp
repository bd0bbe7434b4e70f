// What a job was asked for comes back as it was.
#include "job/saved_job.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "base/fd.hpp"
#include "base/temp_dir.hpp"
#include "base/text.hpp"

namespace vmconvert::job {
namespace {

namespace fs = std::filesystem;

Request wanted() {
  Request request;
  request.source = {"/etc/xen/web01.cfg", ""};
  request.to = model::TargetHypervisor::xen;
  request.storage = model::DirectoryTarget{"/srv", model::DiskFormat::raw};
  request.adjustments.memory = ByteCount{k_gib};
  request.adjustments.bridges = {{"xenbr0", "br0"}};
  request.adjustments.macs = model::MacPolicy::fresh;
  request.adjustments.xen_type = model::XenType::pvh;
  return request;
}

TEST(SavedJob, BringsTheAdjustmentsBack) {
  const TempDir folder(fs::temp_directory_path(), "vmconvert-saved");
  save_job(folder.path(), {wanted(), std::nullopt});
  const SavedJob back = load_job(folder.path());
  EXPECT_EQ(back.request.to, model::TargetHypervisor::xen);
  EXPECT_EQ(back.request.adjustments, wanted().adjustments);
}

// One that an older program began knows nothing of types.
TEST(SavedJob, WithoutATypeKeepsIt) {
  const TempDir folder(fs::temp_directory_path(), "vmconvert-saved");
  save_job(folder.path(), {wanted(), std::nullopt});
  const fs::path path = folder.path() / "job.json";
  const std::string saved = read_text_file(path);
  std::ofstream(path) << replace_all(saved, ",\"xen_type\":\"pvh\"", "");
  EXPECT_EQ(load_job(folder.path()).request.adjustments.xen_type, model::XenType::keep);
  std::ofstream(path) << replace_all(saved, "\"xen_type\":\"pvh\"", "\"pvh\":true");
  EXPECT_EQ(load_job(folder.path()).request.adjustments.xen_type, model::XenType::pvh);
  std::ofstream(path) << replace_all(saved, "\"xen_type\":\"pvh\"", "\"xen_type\":\"hvm\"");
  EXPECT_EQ(load_job(folder.path()).request.adjustments.xen_type, model::XenType::hvm);
}

}  // namespace
}  // namespace vmconvert::job
