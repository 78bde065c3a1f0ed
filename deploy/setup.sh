# Sourced by demo.sh and test.sh: stands in the checkout and finds a Python that can set it up.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
for python in "${PYTHON:-}" python3.11 python3.12 python3.13 python3; do
  if [ -n "$python" ] && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi
  python=
done
if [ -z "$python" ]; then
  echo "需要 Python 3.11 或更高版本（可用环境变量 PYTHON 指定）" >&2
  exit 1
fi
called_from=$PWD
cd "$root" || exit 1
