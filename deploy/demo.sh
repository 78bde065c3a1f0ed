#!/usr/bin/env bash
# Sets up this checkout and runs the whole platform: bash deploy/demo.sh [--port 8000] [--cameras 12] [--data DIR] [--tls]
set -euo pipefail
# shellcheck source=deploy/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
# One process from here to the end: whoever signals or kills it always reaches the one in charge.
exec "$python" -m deploy.setup --then deploy.demo --called-from "$called_from" "$@"
