# What .ci/run and the files in .ci/servers use.

export CI=${CI:-true} DEBIAN_FRONTEND=noninteractive
export HOME=${HOME:-/tmp} GOTOOLCHAIN=local
export GOFLAGS="${GOFLAGS:-} -buildvcs=false"
# The clone may belong to another user than the one who runs this.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0=$PWD

root=$PWD
work=$(mktemp -d)
times=() pids=() current=""

die() {
	printf '%s\n' "$@" >&2
	exit 1
}

main() {
	trap finish EXIT
	mapfile -t nested < <(git ls-files -co --exclude-standard '*/go.mod' | grep -v testdata | xargs -rn1 dirname)
	before=$(checkout)
	local name
	for name in "${@:-${all[@]}}"; do
		[[ $(type -t "stage_$name") == function ]] || die "no stage $name; there are: ${all[*]}"
	done
	for name in "${@:-${all[@]}}"; do
		begin "$name"
		"stage_$name" # plainly: inside a condition, set -e would not hold
		end
	done
	current=""
}

begin() {
	current=$1 started=$SECONDS
	printf '\n=== %s\n' "$current"
}

end() { times+=("$(printf '%5d s  %s' $((SECONDS - started)) "$current")"); }

finish() {
	local status=$?
	trap - EXIT
	stop_servers
	rm -rf "$work"
	if [[ -n $current ]]; then
		end
	fi
	printf '\n'
	((${#times[@]} == 0)) || printf '%s\n' "${times[@]}"
	printf '%5d s  together\n' "$SECONDS"
	if [[ -n $current ]]; then
		printf '\nFAILED in stage %s\n' "$current" >&2
		((status != 0)) || status=1
	elif ((status == 0)); then
		printf '\nall stages passed\n'
	fi
	exit "$status"
}

# Every tracked or new file, and its content.
checkout() {
	git status --porcelain --untracked-files=all
	git diff HEAD | git hash-object --stdin
}

# existing passes on those names, ended by NUL, that are files.
existing() {
	local name
	while IFS= read -r -d '' name; do
		[[ ! -e $name ]] || printf '%s\0' "$name"
	done
}

install_packages() {
	local sudo=()
	if ((EUID != 0)); then
		sudo=(sudo -n)
		sudo -n true 2>/dev/null || die "missing: $*; install with: sudo apt-get install $*"
	fi
	command -v apt-get >/dev/null || die "missing, and there is no apt-get: $*"
	"${sudo[@]}" apt-get update -q
	"${sudo[@]}" apt-get install -yq --no-install-recommends "$@"
}

# run_tests NAME ARGS…: go test, its plain output kept for the report.
run_tests() {
	local name=$1
	shift
	echo "go test -v -count=1 $*"
	go test -v -count=1 "$@" 2>&1 | tee "$work/$name.log"
}

# report count|list: what the logs of run_tests say.
report() {
	local logs=("$work"/*.log)
	[[ -e ${logs[0]} ]] || die "no tests ran"
	awk -v mode="$1" -f .ci/report.awk .ci/skips "${logs[@]}"
}

# fuzz_tests prints file:name of every fuzz test of the root module.
fuzz_tests() {
	local dir skip=()
	for dir in "${nested[@]}"; do
		skip+=(":!$dir/")
	done
	git grep --untracked -oE '^func Fuzz[A-Za-z0-9_]*' -- '*_test.go' ':!*/testdata/*' "${skip[@]}" | sed 's/:func /:/'
}

# free_port prints a port of 127.0.0.1 that nobody listens on.
free_port() {
	local port
	for _ in {1..100}; do
		port=$((20000 + RANDOM % 12000)) # below the ports that the system hands out
		(: </dev/tcp/127.0.0.1/"$port") 2>/dev/null || { echo "$port" && return; }
	done
	die "found no free port"
}

# background NAME COMMAND…: runs until the stages end; its output is shown if
# wait_until gives up.
background() {
	local name=$1
	shift
	"$@" >"$work/$name.out" 2>&1 &
	pids+=($!)
}

# wait_until NAME SECONDS COMMAND…: until the command succeeds.
wait_until() {
	local name=$1 last=$((SECONDS + $2))
	shift 2
	until "$@" >/dev/null 2>&1; do
		((SECONDS < last)) || die "$name is not ready:" "$(tail -n 50 "$work/$name.out")"
		sleep 0.1
	done
}

stop_servers() {
	local pid
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	for pid in "${pids[@]}"; do
		timeout 10 tail --pid="$pid" -f /dev/null || kill -9 "$pid" 2>/dev/null || true
	done
}
