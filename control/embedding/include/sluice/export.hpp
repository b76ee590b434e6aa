#pragma once

/// What the shared library shows; all else is hidden.
#define SLUICE_API __attribute__((visibility("default")))
