#!/usr/bin/env bash
# Sets up what tests need, then checks and tests everything: bash deploy/test.sh [pytest arguments]
set -uo pipefail
# shellcheck source=deploy/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
"$python" -m deploy.setup --dev || exit 1

# The browser test plays video in Debian's Chromium; its pages need a Chinese font.
missing=()
[ -x /usr/bin/chromium ] || missing+=(chromium)
[ -e /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc ] || missing+=(fonts-noto-cjk)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "安装 ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -qq -y --no-install-recommends "${missing[@]}"; } >/dev/null ||
      echo "安装 ${missing[*]} 失败，浏览器测试无法通过" >&2
  else
    echo "缺少 ${missing[*]}，浏览器测试无法通过；请以 root 执行：apt-get install ${missing[*]}" >&2
  fi
fi

failed=()
check() {
  echo "== $1"
  "${@:2}" || failed+=("$1")
}
check ruff .venv/bin/ruff check --quiet .
check mypy .venv/bin/mypy .
check import-linter .venv/bin/lint-imports --no-logo
# Without a database it can compare models and migrations, and warns that it cannot compare the history.
check migrations env IS_DEMO=true .venv/bin/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
[ ${#failed[@]} -eq 0 ] || echo "未通过：${failed[*]}" >&2

echo "== pytest"
# In several processes: bash deploy/test.sh -n 2
.venv/bin/python -m pytest "$@"
code=$?
[ "$code" -ne 0 ] || [ ${#failed[@]} -eq 0 ] || code=1
exit "$code"
