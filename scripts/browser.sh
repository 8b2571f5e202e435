#!/usr/bin/env bash
# Makes sure that headless Chromium and its driver are there for the tests marked `browser`.
# Outside CI a missing browser is said and forgiven; with CI=true it is an error.
set -u

have_both() {
    { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null 2>&1 &&
        command -v chromedriver >/dev/null 2>&1
}

if have_both; then
    echo "browser: found"
    exit 0
fi

if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" -eq 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    if apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium chromium-driver && have_both; then
        echo "browser: installed"
        exit 0
    fi
fi

echo "browser: Chromium and chromedriver are needed for the tests marked 'browser'; install them with" >&2
echo "    sudo apt-get install chromium chromium-driver" >&2
echo "or your system's own way. Without them those tests are skipped." >&2
[ "${CI:-}" = "true" ] && exit 1
exit 0
