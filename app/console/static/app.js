// Small comforts on pages that work without them: copying, local rows, count-downs, keys.
(() => {
  "use strict";
  document.documentElement.classList.add("script");
  let fading;
  function say(words, look = "notice") {
    const place = document.querySelector("[role=status]"), line = document.createElement("p");
    line.className = look;
    line.textContent = words;
    place?.replaceChildren(line);
    clearTimeout(fading);
    fading = setTimeout(() => line.remove(), 8000);
  }
  const each = (selector, act, within = document) => within.querySelectorAll(selector).forEach(act);

  document.addEventListener("say", (event) => say(event.detail));

  // A folded text is its parts, without the words of the fold.
  const textOf = (one) => [...(one.matches(".lines") ? one.querySelectorAll("pre") : [one])].map((part) => part.textContent).join("");

  async function copy(text) {
    try { await navigator.clipboard.writeText(text); say("Copied."); } catch { say("The browser did not allow copying."); }
  }

  // A double click is one click: what a form does is done once.
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post" || event.defaultPrevented) return;
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
    setTimeout(() => delete event.target.dataset.sent, 2000);
  });

  document.addEventListener("click", (event) => {
    const at = event.target.closest("[data-copy], [data-copy-from], time[datetime], [data-add-row], [data-drop-row], [data-open], [data-close]");
    if (!at) return;
    if (at.dataset.copyFrom) copy(textOf(document.getElementById(at.dataset.copyFrom)));
    else if (at.dataset.copy) copy(at.dataset.copy);
    else if (at.dataset.addRow) addRow(document.getElementById(at.dataset.addRow));
    else if ("dropRow" in at.dataset) at.closest("[data-row]").remove();
    else if (at.dataset.open) document.getElementById(at.dataset.open).showModal();
    else if ("close" in at.dataset) at.closest("dialog").close();
    else if (at.matches("time")) copy(at.dateTime);
  });

  function addRow(template) {
    const number = Date.now().toString(36);
    const row = template.content.cloneNode(true);
    each("[id], [for], [aria-describedby]", (one) => {
      for (const name of ["id", "for", "aria-describedby"]) if (one.hasAttribute(name)) one.setAttribute(name, one.getAttribute(name) + number);
    }, row);
    const first = row.querySelector("input");
    template.before(row);
    first.focus();
  }

  function countDown() {
    each("[data-until]", (one) => {
      const left = Math.max(0, Math.round((Date.parse(one.dataset.until) - Date.now()) / 1000));
      const [days, hours, minutes] = [Math.floor(left / 86400), Math.floor(left / 3600) % 24, Math.floor(left / 60) % 60];
      one.textContent = !left ? "" : days ? `${days} d ${hours} h left` : hours ? `${hours} h ${minutes} min left` : `${minutes} min ${left % 60} s left`;
    });
  }

  // Filters: what is not asked for stays out of the address, and what was found is told to whoever cannot see the rows.
  document.addEventListener("formdata", ({ target, formData }) => {
    if (!target.matches(".filters")) return;
    for (const [name, value] of [...formData]) if (!value) formData.delete(name);
    if (document.querySelector("[data-live][aria-pressed=true]")) formData.set("live", "1");
  });
  document.addEventListener("htmx:after:settle", ({ target }) => {
    const rows = target.querySelectorAll(".list tbody tr").length;
    if (target.matches("[data-region]")) say(rows ? `${rows} rows.` : target.querySelector("h2")?.textContent || "", "hidden");
  });

  // A box that stands for all others of its group: on, off, or in between.
  function standForAll(whole) {
    const group = whole.closest("fieldset"), parts = [...group.querySelectorAll("[name]")];
    group.addEventListener("change", (event) => {
      if (event.target === whole) for (const one of parts) one.checked = whole.checked;
      show();
    });
    function show() {
      const on = parts.filter((one) => one.checked).length;
      whole.checked = on === parts.length;
      whole.indeterminate = on > 0 && !whole.checked;
    }
    show();
  }

  // Single keys can be switched off (WCAG 2.1.4), and are silent while somebody types.
  const keysOn = () => localStorage.getItem("relaypoint-keys") !== "off";
  document.addEventListener("keydown", (event) => {
    if (!keysOn() || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, [contenteditable]")) return;
    const rows = [...document.querySelectorAll(".list tbody a[href]:first-child")];
    const now = rows.indexOf(document.activeElement);
    const steps = { j: 1, k: -1 };
    if (event.key in steps && rows.length) rows[Math.min(rows.length - 1, Math.max(0, now + steps[event.key]))].focus();
    else if (event.key === "/") document.querySelector("[data-search]")?.focus();
    else if (event.key === "r") document.querySelector("[data-redeliver]")?.focus();
    else if (event.key === "?") document.getElementById("keys")?.showModal();
    else return;
    event.preventDefault();
  });

  document.addEventListener("DOMContentLoaded", () => {
    const wrong = document.querySelector("[data-errors]");
    const done = new URL(location.href).searchParams.has("said") && !location.hash;
    (wrong || (done ? document.querySelector("h1") : null))?.focus();
    each("[data-keys]", (one) => { one.checked = keysOn(); one.addEventListener("change", () => localStorage.setItem("relaypoint-keys", one.checked ? "on" : "off")); });
    each("[data-submit]", (one) => one.addEventListener("change", () => {
      one.form.elements.back.value = location.pathname + location.search;
      one.form.requestSubmit();
    }));
    each("[data-all]", standForAll);
    countDown();
    setInterval(countDown, 1000);
  });
})();
