// A walk through the mounted guest for the checks: what lives there, what names what. Bounded: a
// fixed list of places, files of at most 1 MiB, and so many of each.
#pragma once

#include "guest/guest_root.hpp"
#include "model/guest_facts.hpp"
#include "model/guest_survey.hpp"

namespace vmconvert::guest {

// Fills all but rooms, unread and roots, which only the appliance knows. Odd content is passed
// over.
void survey_tree(GuestRoot& guest, const model::GuestFacts& facts, model::GuestSurvey& survey);

// The parts, one file each.
void survey_services(GuestRoot& guest, model::GuestSurvey& survey);
void survey_network(GuestRoot& guest, model::GuestSurvey& survey);
void survey_boot(GuestRoot& guest, const std::string& menu, model::GuestSurvey& survey);

// Content of a text file of at most 1 MiB; empty for anything else.
std::string survey_text(GuestRoot& guest, const std::string& path);

}  // namespace vmconvert::guest
