// Which checksum a manifest is made of.
#pragma once

namespace vmconvert::model {

enum class HashKind {
  xxh3_128,  // finds corruption, costs nothing
  sha256,    // a strong one, where somebody may want to deceive
};

}  // namespace vmconvert::model
