# Packages of any Debian suite, from the machine's own mirror, without a change to the machine's own lists.
# To be sourced.

# debian_suite SUITE FOLDER: gets the lists of the suite into FOLDER (once), and sets debian_options for
# `apt-get "${debian_options[@]}" download …` and apt-cache.
debian_suite() {
  local suite=$1 folder=$2 sources=/etc/apt/sources.list.d/debian.sources
  [ -f "$sources" ] || sources=/etc/apt/sources.list
  mkdir -p "$folder/parts" "$folder/lists/partial" "$folder/cache/archives/partial"
  case $sources in
    *.sources) awk -v suite="$suite" '/^Suites:/ {print "Suites: " suite; next} /^$/ {exit} {print}' "$sources" >"$folder/parts/suite.sources" ;;
    *) awk -v suite="$suite" '/^deb / {sub(/\[[^]]*\] */, ""); print $1, $2, suite, "main"; exit}' "$sources" >"$folder/parts/suite.list" ;;
  esac
  debian_options=(-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$folder/parts" -o Dir::State::lists="$folder/lists"
    -o Dir::Cache="$folder/cache" -o APT::Sandbox::User=root -qq)
  compgen -G "$folder/lists/*Packages*" >/dev/null || apt-get "${debian_options[@]}" update
}

# debian_tools COMMAND:PACKAGE…: installs the packages of the commands that are not there.
debian_tools() {
  local tool wanted=()
  for tool in "$@"; do
    command -v "${tool%%:*}" >/dev/null || wanted+=("${tool#*:}")
  done
  [ ${#wanted[@]} -eq 0 ] && return
  printf 'installing %s\n' "${wanted[*]}" >&2
  apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${wanted[@]}" >/dev/null
}
