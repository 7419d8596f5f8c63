"use strict";

// The server draws the pages; this only keeps what is on the screen fresh and sends the commands of the buttons.
const pause = 2000;
const main = document.querySelector("main");

const busy = () =>
  document.hidden || String(getSelection()) !== "" || main.contains(document.activeElement) && document.activeElement.matches("input, select");

const toEnd = () => document.querySelectorAll("[data-follow]").forEach((box) => { box.scrollTop = box.scrollHeight; });

const refresh = async () => {
  const answer = await fetch(location.href);
  const text = await answer.text();
  if (!answer.ok || busy()) return;
  const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("main");
  if (fresh.innerHTML === main.dataset.shown) return;
  main.dataset.shown = fresh.innerHTML;

  const follows = [...main.querySelectorAll("[data-follow]")].every((box) => box.scrollTop + box.clientHeight > box.scrollHeight - 30);
  const tops = [...main.querySelectorAll("[data-follow]")].map((box) => box.scrollTop);
  for (const shown of main.querySelectorAll("details[id]")) {
    const next = fresh.querySelector(`details[id="${CSS.escape(shown.id)}"]`);
    if (next) next.open = shown.open;
  }
  main.replaceChildren(...fresh.childNodes);
  if (follows) toEnd();
  else main.querySelectorAll("[data-follow]").forEach((box, at) => { box.scrollTop = tops[at]; });
};

document.addEventListener("click", async (click) => {
  const button = click.target.closest("[data-command]");
  if (!button) return;
  button.disabled = true;
  const answer = await fetch(button.dataset.command, { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
  if (!answer.ok) alert(await answer.text());
  await refresh();
});

toEnd();
setInterval(() => refresh().catch(() => {}), pause);
