#pragma once

/// Everything that an operator's program needs to run and steer a Sluice server: docs/embedding.md.
#include <sluice/admin.hpp>
#include <sluice/auth.hpp>
#include <sluice/compliance.hpp>
#include <sluice/error.hpp>
#include <sluice/event.hpp>
#include <sluice/json.hpp>
#include <sluice/moderation.hpp>
#include <sluice/module.hpp>
#include <sluice/observability.hpp>
#include <sluice/peer.hpp>
#include <sluice/reliability.hpp>
#include <sluice/room.hpp>
#include <sluice/security.hpp>
#include <sluice/server.hpp>
#include <sluice/sfu.hpp>
