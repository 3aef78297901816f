# Reads .ci/skips and the output of go test -v. With mode=list it prints the tests
# that were skipped, a line for each package. With mode=count it counts, and
# fails for each test that was skipped everywhere and is not in .ci/skips.

FNR == NR { # a line of .ci/skips: package, test, reason
	if ($0 !~ /^#/ && NF) allowed[$1 " " $2] = 1
	next
}

$1 == "---" { verdict[++n] = $2; test[n] = $3; why[n] = said; next }
/^(ok|FAIL|---|\?)[ \t]/ || /^PASS$/ || /^=== / {
	if ($1 == "ok" || $1 == "FAIL" && NF > 1) flush_package($2)
	next
}
{ said = $0 }

function flush_package(pkg,   i, key) {
	for (i = 1; i <= n; i++) {
		key = pkg " " test[i]
		if (verdict[i] == "PASS:") passed[key] = 1
		if (verdict[i] == "FAIL:") failed[key] = 1
		if (verdict[i] == "SKIP:") skipped[key] = why[i]
	}
	n = 0
	packages[pkg] = 1
}

function list(   key, part, seen, tests, pkg) {
	for (key in skipped) {
		split(key, part, " ")
		sub(/\/.*/, "", part[2]) # with its parent
		if (key in passed || (part[1] " " part[2]) in seen) continue
		seen[part[1] " " part[2]] = 1
		tests[part[1]] = tests[part[1]] (tests[part[1]] == "" ? "" : "|") part[2]
	}
	for (pkg in tests) print pkg, tests[pkg]
}

function count(   key) {
	for (key in skipped) {
		if (key in passed) continue # a later stage ran it
		nskipped++
		sub(/^[ \t]+/, "", skipped[key])
		print "skipped: " key ": " skipped[key]
		if (!(key in allowed)) unexpected++
	}
	printf "%d tests passed, %d failed, %d skipped, in %d packages\n", size(passed), size(failed), nskipped, size(packages)
	if (unexpected) {
		print unexpected " of the skipped tests must run here: install what they miss, or list them in .ci/skips with the reason"
	}
	return unexpected > 0 || size(failed) > 0
}

function size(set,   key, n) {
	for (key in set) n++
	return n + 0
}

END {
	if (mode == "list") list()
	else exit count()
}
