// What a qcow2 file says of itself. A guest's owner may have written every byte of it, and qemu-img
// opens whatever file it names: this reader opens none, so that the names can be judged first.
#pragma once

#include <filesystem>
#include <string>

#include "model/check_facts.hpp"

namespace vmconvert::disk {

// Of the image and of the images it is based on, at most 16. A layer that is missing or no qcow2
// ends the chain. Error(bad_input) for an image that starts with no qcow2 header.
model::ImageHeader read_image_header(const std::filesystem::path& path, const std::string& what);

}  // namespace vmconvert::disk
