// The page shows three live queries. Each is a list that a stream of changes
// keeps as it is on the server.

const $ = (id) => document.getElementById(id);

// Live watches a query and calls show(items, fresh) after each change; fresh are
// the keys of the rows that are new or changed. items are {key, row}, in order.
class Live {
	constructor(show) {
		this.show = show;
		this.items = [];
	}

	watch(url) {
		this.close();
		const source = (this.source = new EventSource(url));
		const on = (name, apply) => source.addEventListener(name, (event) => {
			const change = JSON.parse(event.data);
			const fresh = apply(change) ?? [];
			this.draw(fresh);
		});
		on("present", (c) => { this.items = c.items; });
		on("insert", (c) => { this.items.splice(c.at, 0, c); return [c.key]; });
		on("update", (c) => { this.items[c.at] = c; return [c.key]; });
		on("delete", (c) => { this.items = this.items.filter((item) => item.key !== c.key); });
		source.onopen = () => links.set(this, true);
		source.onerror = () => {
			links.set(this, false);
			if (source.readyState === EventSource.CLOSED) this.retry = setTimeout(() => this.watch(url), 3000);
		};
	}

	// draw shows changes that come together at once.
	draw(fresh) {
		this.fresh = [...(this.fresh ?? []), ...fresh];
		if (this.drawing) return;
		this.drawing = true;
		requestAnimationFrame(() => {
			this.drawing = false;
			this.show(this.items, new Set(this.fresh));
			this.fresh = [];
		});
	}

	close() {
		clearTimeout(this.retry);
		this.source?.close();
	}
}

// links shows whether all streams are connected.
const links = {
	of: new Map(),
	set(live, connected) {
		this.of.set(live, connected);
		const all = [...this.of.values()].every(Boolean);
		const state = all ? "live" : "wait";
		if ($("link").dataset.state === state) return;
		$("link").dataset.state = state;
		$("link-text").textContent = all ? "Live" : "Reconnecting…";
	},
};

function element(tag, className, text) {
	const e = document.createElement(tag);
	if (className) e.className = className;
	if (text !== undefined) e.textContent = text;
	return e;
}

function money(amount, currency) {
	try {
		return new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency, currencyDisplay: "code" }).format(amount);
	} catch {
		return `${amount} ${currency}`;
	}
}

// place puts elements into a parent in their order, and moves only those that
// stand elsewhere.
function place(parent, elements) {
	elements.forEach((e, i) => {
		if (parent.children[i] !== e) parent.insertBefore(e, parent.children[i] ?? null);
	});
	while (parent.children.length > elements.length) parent.lastChild.remove();
}

// The expenses.

const rows = new Map(); // by key
let limit = 100;
let known = false; // there was a list before, so what comes is news

const expenses = new Live((items, fresh) => {
	const next = items.map(({ key, row }) => {
		let tr = rows.get(key);
		if (!tr || fresh.has(key)) {
			const drawn = expenseRow(row, known && fresh.has(key));
			if (tr) tr.replaceWith(drawn);
			tr = drawn;
			rows.set(key, tr);
		}
		return tr;
	});
	const keys = new Set(items.map((item) => item.key));
	for (const key of rows.keys()) if (!keys.has(key)) rows.delete(key);
	place($("rows"), next);
	summary(items, known ? fresh : new Set());
	known = true;
});

function expenseRow(row, isFresh) {
	const tr = element("tr", isFresh ? "fresh" : "");
	const date = element("td", "date");
	const time = element("time", "", row.date || "—");
	if (row.date) time.dateTime = row.date;
	date.append(time);
	tr.append(date, element("td", "vendor", row.vendor || "Unknown"), element("td", "document", row.documentName),
		element("td", "amount", money(row.amount, row.currency)));
	return tr;
}

function summary(items, fresh) {
	const q = $("q").value.trim();
	const n = items.length;
	$("empty").hidden = n > 0;
	$("empty").textContent = q ? `Nothing found for “${q}”.` : "No expenses yet. Add a document to begin.";
	$("list-title").textContent = q ? "Found" : "All expenses";
	$("more").hidden = n < limit || limit >= 1000;
	const news = items.filter((item) => fresh.has(item.key)).map(({ row }) => `${row.vendor} ${money(row.amount, row.currency)}`);
	const count = `${n} ${n === 1 ? "expense" : "expenses"}${q ? ` for ${q}` : ""}.`;
	$("count").textContent = news.length ? `New: ${news.join(", ")}. ${count}` : count;
}

function query() {
	const params = new URLSearchParams({ limit });
	const q = $("q").value.trim();
	if (q) params.set("q", q);
	return params;
}

function watchExpenses() {
	rows.clear();
	known = false;
	expenses.watch(`/expenses?${query()}`);
}

let typing;
$("q").addEventListener("input", () => {
	clearTimeout(typing);
	typing = setTimeout(() => {
		const q = $("q").value.trim();
		history.replaceState(null, "", q ? `?${new URLSearchParams({ q })}` : location.pathname);
		watchExpenses();
	}, 200);
});
$("search").addEventListener("submit", (event) => event.preventDefault());
$("more").addEventListener("click", () => {
	limit = Math.min(1000, limit * 3);
	watchExpenses();
});

$("csv").addEventListener("click", async () => {
	const params = query();
	params.delete("limit");
	const answer = await fetch(`/expenses?${params}`, { headers: { Accept: "text/csv" } });
	const link = element("a");
	link.href = URL.createObjectURL(await answer.blob());
	link.download = "expenses.csv";
	link.click();
	URL.revokeObjectURL(link.href);
});

// The totals.

const months = new Live((items, fresh) => {
	const most = {};
	for (const { row } of items) most[row.currency] = Math.max(most[row.currency] ?? 0, Math.abs(row.sum));
	place($("months"), items.map(({ key, row }) => monthBox(row, most[row.currency], fresh.has(key))));
	if (items.length === 0) $("months").append(element("p", "hint", "Nothing yet."));
});

function monthBox(row, most, isFresh) {
	const box = element("div", isFresh ? "month fresh" : "month");
	const share = element("div", "share");
	const fill = element("i");
	fill.style.width = `${most > 0 ? Math.round((100 * Math.abs(row.sum)) / most) : 0}%`;
	share.append(fill);
	share.setAttribute("aria-hidden", "true");
	const name = row.month ? new Date(`${row.month}-01T00:00:00Z`).toLocaleDateString(document.documentElement.lang, { month: "long", year: "numeric", timeZone: "UTC" }) : "Without a date";
	box.append(element("span", "name", name), element("span", "sum", money(row.sum, row.currency)),
		element("span", "of", `${row.count} ${row.count === 1 ? "expense" : "expenses"}`), share);
	return box;
}

// The documents.

const documents = new Live((items) => {
	place($("documents"), items.map(({ row }) => documentItem(row)));
	if (items.length === 0) $("documents").append(element("li", "status", "None yet."));
});

function documentItem(row) {
	const li = element("li");
	const of = row.analysis;
	let [text, kind] = ["Being read", "wait"];
	if (row.status === "FAILED") [text, kind] = ["Unreadable", "bad"];
	if (row.status === "ANALYZED") [text, kind] = of.isExpense ? ["Expense", ""] : ["No expense", ""];
	li.append(element("span", "name", row.name), element("span", `status ${kind}`, text));
	if (of?.reason) li.append(element("span", "why", of.reason));
	return li;
}

$("add").addEventListener("submit", async (event) => {
	event.preventDefault();
	const note = $("add-note");
	const button = event.target.querySelector("button");
	button.disabled = true;
	note.className = "hint";
	note.textContent = "Fetching…";
	try {
		const answer = await fetch("/documents/upload-from-url", {
			method: "POST",
			headers: { "Content-Type": "application/json" },
			body: JSON.stringify({ url: $("url").value }),
		});
		const said = await answer.json();
		if (!answer.ok) throw new Error(said.errors?.map((e) => e.message).join("; ") || said.detail);
		note.textContent = "Added. It is being read now.";
		event.target.reset();
	} catch (error) {
		note.className = "hint bad";
		note.textContent = error.message;
	} finally {
		button.disabled = false;
	}
});

$("q").value = new URLSearchParams(location.search).get("q") ?? "";
watchExpenses();
months.watch("/expenses/monthly?limit=12");
documents.watch("/documents?limit=8");
