#include <fmt/format.h>

#include <algorithm>

#include "model/id_change.hpp"
#include "model/plan.hpp"
#include "model/result.hpp"
#include "model/wishes.hpp"

namespace vmconvert::model {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

}  // namespace

const char* to_string(IdentityProfile profile) {
  switch (profile) {
    case IdentityProfile::move: return "move";
    case IdentityProfile::clone: return "clone";
    case IdentityProfile::both_alive: return "both-alive";
  }
  return "?";
}

const char* to_string(IdKind kind) {
  switch (kind) {
    case IdKind::filesystem: return "filesystem";
    case IdKind::physical_volume: return "physical-volume";
    case IdKind::volume_group: return "volume-group";
    case IdKind::array: return "array";
    case IdKind::disk: return "disk";
    case IdKind::partition: return "partition";
  }
  return "?";
}

const char* to_string(DiskFormat format) {
  return format == DiskFormat::raw ? "raw" : "qcow2";
}

const char* to_string(VirtKind kind) {
  switch (kind) {
    case VirtKind::pv: return "pv";
    case VirtKind::hvm: return "hvm";
    case VirtKind::pvh: return "pvh";
  }
  return "?";
}

const char* to_string(TableKind kind) {
  switch (kind) {
    case TableKind::none: return "none";
    case TableKind::mbr: return "mbr";
    case TableKind::gpt: return "gpt";
  }
  return "?";
}

const char* to_string(Severity severity) {
  switch (severity) {
    case Severity::blocks: return "blocks";
    case Severity::warns: return "warns";
    case Severity::informs: return "informs";
  }
  return "?";
}

const char* to_string(RunState state) {
  switch (state) {
    case RunState::planned: return "planned";
    case RunState::checked: return "checked";
    case RunState::tried: return "tried";
    case RunState::converted: return "converted";
    case RunState::refused: return "refused";
    case RunState::failed: return "failed";
    case RunState::interrupted: return "interrupted";
  }
  return "?";
}

const char* to_string(TargetHypervisor hypervisor) {
  return hypervisor == TargetHypervisor::kvm ? "kvm" : "xen";
}

std::string partition_name(const std::string& disk, unsigned number) {
  return fmt::format("{}{}", disk, number);
}

ExtentTotals totals(const std::vector<Extent>& extents) {
  ExtentTotals sum;
  for (const Extent& extent : extents) {
    ByteCount& part = extent.kind == ExtentKind::patched  ? sum.patched
                      : extent.kind == ExtentKind::needed ? sum.needed
                                                          : sum.skipped;
    part = part + extent.length;
  }
  return sum;
}

std::vector<std::string> acknowledge(Findings& findings, const std::vector<std::string>& ids) {
  std::vector<std::string> unknown;
  for (const std::string& id : ids) {
    bool found = false;
    for (Finding& finding : findings) {
      if (finding.id == id) {
        finding.acknowledged = true;
        found = true;
      }
    }
    if (!found) {
      unknown.push_back(id);
    }
  }
  return unknown;
}

bool any_blocks(const Findings& findings) {
  return std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.severity == Severity::blocks && !finding.acknowledged;
  });
}

std::string describe(const Step& step) {
  return std::visit(
      Overloaded{
          [](const BootTrial& s) {
            return fmt::format("boot the patched guest from a throwaway overlay, up to {} s",
                               s.limit_seconds);
          },
          [](const CreateImage& s) {
            return fmt::format("create {} ({}, {} bytes)", s.path.string(), to_string(s.format),
                               s.size.value);
          },
          [](const CreateVolume& s) {
            const ByteCount whole = round_up(s.size, s.extent_size);
            return fmt::format("create the {} volume {}/{}: {} bytes = {} extents of {}{}",
                               s.thin_pool.empty() ? "logical" : "thin", s.group, s.name,
                               s.size.value, whole.value / s.extent_size.value,
                               to_text(s.extent_size),
                               s.thin_pool.empty() ? "" : ", in the pool " + s.thin_pool);
          },
          [](const CopyDisk& s) {
            return fmt::format("copy {}: {} from the source, {} patched; {} skipped", s.disk,
                               to_text(s.totals.needed), to_text(s.totals.patched),
                               to_text(s.totals.skipped));
          },
          [](const VerifyDisk& s) {
            return fmt::format("read {} back and compare checksums", s.path.string());
          },
          [](const RefreshPool& s) {
            return fmt::format("refresh the storage pool {} on {}", s.pool, s.uri);
          },
          [](const WriteDomainXml& s) { return fmt::format("write {}", s.path.string()); },
          [](const DefineDomain& s) { return fmt::format("define {} on {}", s.name, s.uri); },
          [](const StartDomain& s) { return fmt::format("start {} on {}", s.name, s.uri); },
          [](const RunHook& s) {
            return fmt::format("run the hook {} ({})", s.hook.argv.front(), to_string(s.hook.when));
          },
      },
      step);
}

}  // namespace vmconvert::model
