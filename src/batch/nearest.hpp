// What a mistyped word was meant to be.
#pragma once

#include <string>
#include <vector>

namespace vmconvert::batch {

// The word of `known` that is meant, if one is close; empty else.
std::string nearest(const std::string& word, const std::vector<std::string>& known);

}  // namespace vmconvert::batch
