// Makes a plain bundle in a folder from what arrives: a tar stream, or an encrypted bundle.
#pragma once

#include <filesystem>

#include "base/subprocess.hpp"
#include "bundle/manifest.hpp"

namespace vmconvert::bundle {

// Takes the stream apart into `folder`. Refuses (Error(bad_input)) names that no bundle has, links,
// files that are too large or come twice, a stream that ends early. Returns the manifest.
Manifest receive_stream(int fd, const std::filesystem::path& folder);

// A plain copy of the encrypted bundle: what is stored stays compressed. For the caller to remove.
void unseal_bundle(const std::filesystem::path& bundle, const std::filesystem::path& folder,
                   const std::filesystem::path& identity, CommandRunner& commands);

}  // namespace vmconvert::bundle
