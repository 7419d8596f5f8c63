# What the scripts at the top have in common. To be sourced; `root` becomes the top of the repository.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
configuration=${GALLERY_CONFIGURATION:-Release}
# A Release build compiles the command line to machine code as well, so that a command starts quickly.
case $configuration in Release) command_line=ready ;; *) command_line=net10.0 ;; esac
command_line=$root/clients/Cli/bin/$configuration/$command_line/Gallery.Cli.dll
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

say() { printf '%s\n' "$*" >&2; }

fail() { say "$*"; exit 1; }

require_sdk() {
  local known
  for known in "$HOME/.dotnet" /usr/share/dotnet /usr/lib/dotnet /usr/local/share/dotnet; do
    command -v dotnet > /dev/null && break
    [ -x "$known/dotnet" ] && PATH=$known:$PATH
  done
  command -v dotnet > /dev/null || fail "The .NET SDK is missing. Get version 10 or later at https://dotnet.microsoft.com/download"
  (cd "$root" && dotnet --version > /dev/null 2>&1) || fail "The .NET SDK does not fit global.json: $(dotnet --version 2>&1 | head -3)"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Redis is all that the gallery needs besides the SDK. A server that the user names is used as it is.
ensure_redis() {
  [ -z "${ConnectionStrings__redis:-}" ] || return 0
  ! command -v redis-server valkey-server > /dev/null || return 0
  say "There is no redis-server and no valkey-server on the PATH: installing Redis with the system's package manager."
  if command -v apt-get > /dev/null; then
    as_root apt-get update -qq > /dev/null
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq redis-server > /dev/null
  elif command -v dnf > /dev/null; then
    as_root dnf install -y -q valkey || as_root dnf install -y -q redis
  elif command -v apk > /dev/null; then
    as_root apk add -q redis
  elif command -v brew > /dev/null; then
    brew install -q redis
  fi >&2
  command -v redis-server valkey-server > /dev/null || fail "Redis could not be installed. Install redis-server or valkey-server, or name a server by ConnectionStrings__redis."
}

# ensure_command COMMAND PACKAGE: installs the Debian package when the command is missing.
ensure_command() {
  ! command -v "$1" > /dev/null || return 0
  command -v apt-get > /dev/null || fail "$1 is missing. Install it (Debian: $2)."
  say "Installing $2 with the system's package manager."
  as_root apt-get update -qq > /dev/null
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$2" > /dev/null
}

# ensure_file PATTERN PACKAGE: installs the Debian package when no file fits the pattern. Elsewhere the part is built in.
ensure_file() {
  ! compgen -G "$1" > /dev/null || return 0
  command -v apt-get > /dev/null || return 0
  say "Installing $2 with the system's package manager."
  as_root apt-get update -qq > /dev/null
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$2" > /dev/null
}

# Which of its two worlds the AppHost is built for: aspire or local. The rule is that of AppHost/Directory.Build.props.
hosting() {
  local version
  case ${GalleryAspire:-} in
    true) echo aspire ;;
    '')
      version=$(sed -n 's:.*<AspireVersion>\(.*\)</AspireVersion>.*:\1:p' "$root/AppHost/Directory.Build.props")
      if [ -d "${NUGET_PACKAGES:-$HOME/.nuget/packages}/aspire.apphost.sdk/$version" ]; then echo aspire; else echo local; fi
      ;;
    *) echo local ;;
  esac
}

# build NAME PROGRAM PROJECT: builds unless the sources are those that PROGRAM was last built from.
build() {
  local name=$1 program=$2 project=$3 log
  local stamp=$root/artifacts/built/$name-$configuration
  if [ -f "$program" ] && [ "$(source_list)" = "$(cat "$stamp" 2> /dev/null)" ] && ! source_newer_than "$stamp"; then
    return 0
  fi
  say "Building $name ..."
  mkdir -p "$root/artifacts/built"
  source_list > "$stamp.new"
  log=$(cd "$root" && dotnet build "$project" -c "$configuration" -v q -nologo -nodeReuse:false 2>&1) || fail "$log"
  mv "$stamp.new" "$stamp"
}

sources() {
  (cd "$root" && find protos services clients AppHost Directory.Build.props Directory.Packages.props global.json \
    \( -name bin -o -name obj \) -prune -o -type f "$@" -print)
}

source_list() { sources | sort | cksum; }

source_newer_than() { [ -n "$(sources -newer "$1" | head -1)" ]; }
