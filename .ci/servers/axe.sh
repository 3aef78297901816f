# No server: axe-core, which finds faults of accessibility in pages. Where there is
# no npm to fetch it with, the tests that need it skip.
axe=${XDG_CACHE_HOME:-$HOME/.cache}/talix-ci/axe-core-4.14.1
if [[ ! -s $axe/axe.min.js ]] && command -v npm >/dev/null; then
	mkdir -p "$work/axe" "$axe"
	(cd "$work/axe" && timeout 120 npm pack --silent axe-core@4.14.1 && tar -xzf axe-core-4.14.1.tgz package/axe.min.js && mv package/axe.min.js "$axe/") ||
		echo "axe-core could not be fetched"
fi
[[ ! -s $axe/axe.min.js ]] || export TALIX_TEST_AXE=$axe/axe.min.js
