# Installs and builds what is missing or older than what it is made of. To be sourced by scripts that
# have set `root` to the folder of the package.

fail() {
  echo "${0##*/}: $1" >&2
  exit 1
}

command -v npm >/dev/null || fail 'npm is missing: install Node.js 20.19 or newer, which brings it'
node -e '
  const [major, minor] = process.versions.node.split(".").map(Number);
  process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1);
' || fail "Node.js $(node --version) is too old: 20.19 or newer is needed"

# npm writes the second file when it has installed all of the first
if [ "$root/package-lock.json" -nt "$root/node_modules/.package-lock.json" ]; then
  echo 'Installing (npm ci) ...' >&2
  (cd "$root" && npm ci --no-audit --no-fund </dev/null >&2) || fail 'npm ci failed'
fi

built="$root/dist/cli/main.js"
sources=("$root/src" "$root/scripts/build.json" "$root/tsconfig.json" "$root/package-lock.json")
if [ ! -e "$built" ] || [ -n "$(find "${sources[@]}" -newer "$built" -print -quit)" ]; then
  echo 'Building (npm run prepare) ...' >&2
  (cd "$root" && npm run --silent prepare </dev/null >&2) || fail 'the build failed'
fi
