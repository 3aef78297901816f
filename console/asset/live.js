"use strict";
// The pages are whole without this. It keeps the parts marked data-live up, moves
// through versions without loading the page anew, and copies.
(() => {
  const page = async (url) => {
    const answer = await fetch(url, { headers: { Accept: "text/html" }, redirect: "error" });
    if (!answer.ok) throw new Error(answer.status);
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  };
  const swap = (from, ids) => {
    for (const id of ids) {
      const old = document.getElementById(id), now = from.getElementById(id);
      if (!old || !now || old.innerHTML === now.innerHTML) continue;
      const scrolled = [old.scrollLeft, old.scrollTop];
      old.replaceChildren(...now.childNodes);
      [old.scrollLeft, old.scrollTop] = scrolled;
    }
    ready();
  };
  // Who reads, selects or types in a part keeps it as it is.
  const held = (part) => {
    const selected = getSelection();
    return part.contains(document.activeElement) || part.querySelector("details[open]") || (!selected.isCollapsed && part.contains(selected.anchorNode));
  };
  const parts = () => [...document.querySelectorAll("[data-live]")];
  const link = document.getElementById("link");
  const told = (state, text) => { link.className = "link " + state; if (link.textContent !== text) link.textContent = text; };

  let busy = false;
  const refresh = async () => {
    if (busy || document.hidden) return;
    busy = true;
    try {
      const now = await page(location.href);
      swap(now, parts().filter((p) => !held(p)).map((p) => p.id));
      told("on", "Live");
    } catch { told("off", "Reconnecting…"); }
    busy = false;
  };
  // What came of a form that was sent cannot be asked for again.
  const kept = document.getElementById("verified") || document.getElementById("answer");
  if (parts().length > 0 && !kept) {
    const source = new EventSource("/live");
    source.addEventListener("tick", refresh);
    source.addEventListener("open", () => told("on", "Live"));
    source.addEventListener("error", () => told("off", "Reconnecting…"));
    addEventListener("pagehide", () => source.close());
  }

  const range = document.querySelector("[data-travel]");
  let wanted = "", under = false;
  const travel = async () => {
    if (under) return;
    under = true;
    while (wanted) {
      const url = wanted;
      wanted = "";
      try {
        const there = await page(url);
        swap(there, ["travelled"]);
        history.replaceState(null, "", url);
      } catch { location.href = url; }
    }
    under = false;
  };
  range?.addEventListener("input", () => {
    document.getElementById("shown").textContent = range.value;
    wanted = "/entity?" + new URLSearchParams(new FormData(range.form));
    travel();
  });

  const ready = () => {
    for (const b of document.querySelectorAll("[data-copy]")) b.hidden = !navigator.clipboard;
    const here = document.querySelector(".timeline .here");
    if (here) here.parentElement.scrollTop = here.offsetTop - here.parentElement.offsetTop - here.parentElement.clientHeight / 3;
  };
  document.addEventListener("click", async (e) => {
    const b = e.target.closest("[data-copy]");
    if (!b) return;
    await navigator.clipboard.writeText(document.getElementById(b.dataset.copy).textContent);
    b.textContent = "Copied";
    setTimeout(() => { b.textContent = "Copy"; }, 1500);
  });
  document.addEventListener("keydown", (e) => {
    if (e.key === "Enter" && (e.ctrlKey || e.metaKey) && e.target.matches("[data-submit]")) e.target.form.requestSubmit();
  });
  ready();
})();
