// Live: a region of the page is asked for again, with its ETag, when the server's stream says that something changed.
// Without a stream, and for what no stream tells of, it is asked for every few seconds.
(() => {
  "use strict";
  const POLLS = "On, every 5 seconds";
  let timer, wait, stream, quiet, again, tag = "", asked = 0;
  const state = (words) => {
    clearTimeout(wait);
    for (const one of document.querySelectorAll("#live-state")) one.textContent = words;
  };

  async function exchange(id) {
    const region = document.getElementById(id);
    const busy = region.contains(document.activeElement);
    quiet = stream?.readyState === 1 && !busy;
    if (busy) return;
    const answer = await fetch(region.dataset.from || location.href, { headers: tag ? { "if-none-match": tag } : {} });
    if (answer.status !== 200) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(id);
    tag = answer.headers.get("etag") || "";
    if (!fresh || fresh.innerHTML === region.innerHTML) return;
    region.replaceChildren(...fresh.childNodes);
    if (fresh.dataset.done) { clearInterval(timer); location.reload(); }
  }
  // What is told while an answer is under way may not be in it.
  async function look(id) {
    if (asked++) return;
    do { asked = 1; await exchange(id).catch(() => {}); } while (asked > 1);
    asked = 0;
  }

  function live(region, on) {
    clearInterval(timer);
    stream?.close();
    stream = quiet = again = null;
    state(on ? POLLS : "Off");
    if (!on) return;
    timer = setInterval(() => document.hidden || quiet || look(region.id), (region.dataset.every || 5) * 1000);
    again = () => live(region, true);
    const address = switchOf(region)?.dataset.stream;
    if (address && !document.hidden) listen(region.id, address);
  }
  function listen(id, address) {
    stream = new EventSource(address);
    stream.addEventListener("here", () => { quiet = true; state("On, as it happens"); });
    stream.onmessage = () => look(id);
    stream.onerror = () => {
      quiet = false;
      if (stream.readyState === EventSource.CLOSED) state(POLLS);
      else wait = setTimeout(state, 2000, "On, reconnecting"); // it ends once a minute, and is back in a second
    };
    stream.addEventListener("end", (event) => { stream.close(); quiet = false; state(event.data); });
  }
  document.addEventListener("visibilitychange", () => { if (document.hidden) stream?.close(); else again?.(); });

  const switchOf = (region) => document.querySelector(`[data-live="${region.id}"]`);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-live]");
    if (!button) return;
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    const here = new URL(location.href);
    if (on) here.searchParams.set("live", "1"); else here.searchParams.delete("live");
    history.replaceState(null, "", here);
    live(document.getElementById(button.dataset.live), on);
    document.dispatchEvent(new CustomEvent("say", { detail: on ? "Live: new rows appear by themselves." : "Live is off." }));
  });

  document.addEventListener("DOMContentLoaded", () => {
    const region = document.querySelector("[data-region]");
    const asked = Boolean(new URL(location.href).searchParams.get("live"));
    if (region && (asked || region.dataset.region === "always")) live(region, true);
    if (region && asked) switchOf(region)?.setAttribute("aria-pressed", "true");
  });
})();
