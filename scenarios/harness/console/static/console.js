// The page of a live game day. It draws what the server tells, and knows nothing by itself.
// Texts of clients, rows and people reach the page by textContent only; there is no way in for markup.

const SHOWN = 300;
const FEW = 3;
const PATIENCE_MS = 40_000;
const MOMENTS = ["noticed", "stopped", "reversed"];
const FEED_KINDS = {
  "": () => true,
  calls: (item) => item.kind === "call",
  acts: (item) => item.kind !== "call",
  odd: (item) => item.mark === "bad" || item.mark === "struck",
};

const byId = (id) => document.getElementById(id);
const seen = { clock: null, service: null, people: [], day: null, offers: null };
let token = "", role = "", lastId = "", retryMs = 1000, clockReadAt = 0;
const unfolded = new Set();
let items = [], held = false, number = 0;

// Small things.

function make(tag, { text, className, ...more } = {}, ...children) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  for (const [name, value] of Object.entries(more)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function span(milliseconds) {
  const sign = milliseconds < 0 ? "-" : "";
  const seconds = Math.floor(Math.abs(milliseconds) / 1000);
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, "0"));
  return `${sign}${Math.floor(seconds / 3600)}:${parts.join(":")}`;
}

const counted = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

// As the report tells money: to the cent, and to a hundredth of a cent where less needs it.
function dollars(text) {
  const usd = Number(text);
  if (usd > 0 && usd < 0.0001) return "<$0.0001";
  const digits = usd < 1 && Math.round(usd * 1e4) % 100 ? 4 : 2;
  return `$${usd.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}
const stamp = (milliseconds) => new Date(milliseconds).toISOString().slice(0, 19).replace("T", " ");

function now() {
  const clock = seen.clock;
  return clock === null ? 0 : clock.now + clock.speed * (performance.now() - clockReadAt);
}

function aloud(text) {
  byId("aloud").textContent = text;
}

// Talking to the server.

async function ask(path, { body, signal, headers = {} } = {}) {
  return fetch(path, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    cache: "no-store",
    signal,
  });
}

async function act(name, body, place) {
  const wrong = byId(place);
  wrong.textContent = "";
  const by = byId("by");
  by.removeAttribute("aria-invalid");
  if (!by.value.trim()) {
    wrong.textContent = "Write your name first: everything here is done by somebody.";
    by.setAttribute("aria-invalid", "true");
    by.focus();
    return null;
  }
  let answer;
  try {
    const reply = await ask(`acts/${name}`, { body: { by: by.value, ...body } });
    answer = await reply.json();
    if (reply.ok) return answer;
  } catch {
    answer = { error: "The server does not answer.", fields: {} };
  }
  wrong.textContent = answer.error;
  return { failed: true, fields: answer.fields ?? {} };
}

const failed = (answer) => answer === null || answer.failed === true;

// The stream: server-sent events by fetch, because an EventSource cannot send a token in a header.

async function listen() {
  for (;;) {
    try {
      await follow();
    } catch (problem) {
      if (problem instanceof Stranger) {
        gate(problem.message);
        return;
      }
    }
    link("lost", "connection lost, trying again");
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

class Stranger extends Error {}

async function follow() {
  const leave = new AbortController();
  let patience = 0;
  const wait = () => {
    clearTimeout(patience);
    patience = setTimeout(() => leave.abort(), PATIENCE_MS);
  };
  wait();
  try {
    const headers = lastId ? { "last-event-id": lastId } : {};
    const reply = await ask("events", { headers, signal: leave.signal });
    if (reply.status === 401) throw new Stranger((await reply.json()).error);
    if (!reply.ok) throw new Error(reply.statusText);
    link("live", "live");
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ; ) {
      const { done, value } = await reader.read();
      if (done) return;
      wait();
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      blocks.forEach(take);
      drawFeed();
    }
  } finally {
    clearTimeout(patience);
    leave.abort();
  }
}

function take(block) {
  const event = { event: "item", data: "" };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(": ");
    if (colon > 0) event[line.slice(0, colon)] = line.slice(colon + 2);
  }
  if (event.retry) retryMs = Number(event.retry);
  if (event.id) lastId = event.id;
  if (event.data) HEARD[event.event]?.(JSON.parse(event.data));
}

const HEARD = {
  hello: ({ role: mine }) => enter(mine),
  gap: ({ missed }) => {
    byId("gap").textContent = `${counted(missed, "event")} came faster than they can be kept; the journal has those that count.`;
  },
  item: (item) => {
    items.unshift({ ...item, number: ++number });
    items.length = Math.min(items.length, SHOWN);
    if (item.kind !== "call" && item.kind !== "clock") aloud(`${item.who}: ${item.what}`);
  },
  clock: (clock) => {
    seen.clock = clock;
    clockReadAt = performance.now();
    byId("speed-form").hidden = clock.kind !== "real";
    drawClock();
    drawBatches();
  },
  service: (service) => {
    seen.service = service;
    byId("sums").textContent = `${counted(service.calls, "call")} · ${counted(service.requests, "request")} · ${dollars(service.billed_usd)}`;
    drawBatches();
  },
  people: (people) => {
    seen.people = people;
    drawPeople();
  },
  day: (day) => {
    seen.day = day;
    drawEnd();
  },
};

// Drawing.

function link(state, text) {
  const place = byId("link");
  if (place.textContent === text) return;
  place.dataset.state = state;
  place.textContent = text;
}

function drawClock() {
  if (seen.clock === null) return;
  const instant = now();
  byId("now").textContent = stamp(instant);
  byId("now").dateTime = new Date(instant).toISOString();
  const how = { poll: "moves on when a client looks", virtual: "stands still until somebody moves it", real: `runs at ${seen.clock.speed} times its speed` };
  byId("elapsed").textContent = `${span(instant - seen.clock.started_at)} since the start; it ${how[seen.clock.kind]}`;
}

function drawBatches() {
  if (seen.service === null || seen.clock === null) return;
  const instant = now();
  byId("batches").replaceChildren(...seen.service.batches.map((batch) => {
    const ended = batch.ended_at !== null;
    const left = batch.expires_at - instant;
    const outcome = Object.entries(batch.counts).filter(([, count]) => count).map(([name, count]) => `${count.toLocaleString("en")} ${name}`);
    return make("tr", {},
      make("td", { text: batch.id }),
      make("td", {}, make("span", { text: batch.status.replace("_", " "), className: "status", "data-status": batch.status })),
      make("td", {}, ...outcome.map((text) => make("div", { text }))),
      make("td", {}, make("div", { text: span(instant - batch.created_at) }), ...(ended ? [] : [
        make("div", { text: `${span(left)} left`, className: left < 3_600_000 ? "late" : "quiet" })])),
      make("td", { text: dollars(batch.billed_usd) }));
  }));
  if (!seen.service.batches.length) {
    byId("batches").replaceChildren(make("tr", {}, make("td", { text: "no batch yet", colspan: "5", className: "quiet" })));
  }
  byId("more").textContent = seen.service.more ? `and ${counted(seen.service.more, "older batch").replace("batchs", "batches")}` : "";
}

function drawPeople() {
  const focused = document.activeElement?.dataset?.key;
  byId("people-empty").hidden = seen.people.length > 0;
  byId("incidents").replaceChildren(...seen.people.map(incident).reverse());
  if (focused) document.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

function incident(it) {
  const done = MOMENTS.every((moment) => it.moments[moment] !== null);
  const state = done ? "done" : it.strikes ? "struck" : "waiting";
  const header = make("header", {},
    make("h3", { text: `${it.number}. ${it.title}` }),
    make("small", { text: `injected ${stamp(it.at.virtual)} by ${it.by}${it.ended_at ? `; out since +${span(it.ended_at.virtual - it.at.virtual)} by ${it.ended_by}` : ""}` }));
  if (role === "facilitator" && !it.ended_at && !seen.day?.closed) {
    header.append(make("button", { text: "Take out", type: "button", className: "small", "data-key": `out-${it.number}`, "aria-label": `Take out incident ${it.number}`, onclick: () => act("take-out", { incident: it.number }, "people-wrong") }));
  }
  const struck = it.faults.filter((fault) => fault.count), silent = it.faults.filter((fault) => !fault.count);
  const faults = make("ul", { className: "faults" }, ...struck.map(faultOf));
  if (silent.length <= FEW) faults.append(...silent.map(faultOf));
  else faults.append(make("li", {}, make("details", { open: unfolded.has(it.number), ontoggle: (event) => unfolded[event.target.open ? "add" : "delete"](it.number) },
    make("summary", { text: `${counted(silent.length, "fault")} that ${struck.length ? "" : "all "}have not struck yet`, "data-key": `silent-${it.number}` }),
    make("ul", {}, ...silent.map(faultOf)))));
  const moments = make("div", { className: "moments" }, ...MOMENTS.map((name) => moment(it, name)));
  const words = make("ul", { className: "words" }, ...it.words.map((word) => wordOf(it, word)));
  const read = it.read_at === null ? [] : [make("p", { className: "quiet", text: `By the books: results first read at +${span(it.read_at.virtual - it.at.virtual)} by ${it.read_by}.` })];
  return make("li", { className: "incident", "data-state": state }, header, faults, moments, words, ...read);
}

function faultOf(fault) {
  const times = fault.count === 1 ? "once" : `${fault.count.toLocaleString("en")} times`;
  return make("li", {}, make("code", { text: fault.fault }), " ",
    make("span", { text: fault.count ? `struck ${times}` : "has not struck yet", className: "count", "data-struck": fault.count ? "yes" : "no" }),
    fault.places.length ? make("small", { text: ` first at ${fault.places.join(", ")}` }) : "");
}

function moment(it, name) {
  const word = it.moments[name];
  const box = make("div", { className: "moment", "data-come": word ? "yes" : "no" }, make("b", { text: name }));
  if (word) {
    box.append(make("span", { className: "when", text: `+${span(word.at.virtual - it.at.virtual)}` }),
      make("small", { text: ` (${span(word.at.wall - it.at.wall)} on the wall)` }),
      make("div", { text: word.by }),
      make("small", { text: `${word.from_books ? "by the books" : "said by a person"}${word.note ? `: ${word.note}` : ""}` }));
  }
  if (!seen.day?.closed && (!word || word.from_books)) {
    box.append(make("button", { text: `${name[0].toUpperCase()}${name.slice(1)} now`, type: "button", className: "small", "data-key": `${name}-${it.number}`, "aria-label": `Incident ${it.number}: ${name} now`, onclick: () => say(it.number, name) }));
  }
  return box;
}

function wordOf(it, word) {
  const line = make("li", {}, make("span", {
    className: word.withdrawn_by ? "withdrawn" : "",
    text: `${word.moment} +${span(word.at.virtual - it.at.virtual)} ${word.by}, ${word.from_books ? "by the books" : "said by a person"}${word.note ? `: ${word.note}` : ""}`,
  }));
  if (word.withdrawn_by) line.append(make("span", { text: `withdrawn by ${word.withdrawn_by}` }));
  else if (role === "facilitator" && !seen.day?.closed) {
    line.append(make("button", { text: "Withdraw", type: "button", className: "small", "data-key": `word-${word.number}`, "aria-label": `Withdraw ${word.moment} of incident ${it.number}, ${word.by}`, onclick: () => act("withdraw", { word: word.number }, "people-wrong") }));
  }
  return line;
}

async function say(number, name) {
  const note = byId("note");
  const answer = await act("say", { incident: number, moment: name, note: note.value }, "people-wrong");
  if (!failed(answer)) note.value = "";
}

function drawFeed() {
  if (held) return;
  const wanted = items.filter(FEED_KINDS[byId("kinds").value]);
  const place = byId("feed");
  const there = new Map([...place.children].map((line) => [line.dataset.number, line]));
  place.replaceChildren(...wanted.map((item) => there.get(String(item.number)) ?? line(item)));
}

function line(item) {
  return make("li", { "data-number": item.number, "data-kind": item.kind, "data-mark": item.mark },
    make("time", { text: item.at.slice(11, 19), datetime: item.at, title: `${item.at}; on the wall ${item.wall}` }),
    make("div", {}, make("div", { className: "who", text: `${item.kind} · ${item.who}` }), make("div", { className: "what", text: item.what })));
}

function drawEnd() {
  const { closed, verdict, page } = seen.day;
  byId("open-still").hidden = closed;
  byId("closed").hidden = !closed;
  byId("verdict").textContent = verdict;
  byId("verdict").dataset.verdict = verdict;
  byId("where").textContent = closed ? `The game day is closed. The report lies in ${page}.` : "";
  byId("downloads").replaceChildren(...["report.html", "report.json", "junit.xml"].map((name) =>
    make("button", { text: `Download ${name}`, type: "button", onclick: () => download(name) })));
  for (const place of document.querySelectorAll(".facilitator")) place.hidden = role !== "facilitator" || closed;
  byId("note-form").hidden = closed;
  drawPeople();
}

async function download(name) {
  const reply = await ask(`report/${name}`);
  if (!reply.ok) return;
  const url = URL.createObjectURL(await reply.blob());
  make("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}

// Injecting.

function setting(of) {
  const id = `setting-${of.name}`;
  const input = of.choices.length
    ? make("select", { id, name: of.name }, make("option", { text: of.default ? `${of.default} (as it is)` : "–", value: "" }), ...of.choices.map((choice) => make("option", { text: choice, value: choice })))
    : make("input", { id, name: of.name, placeholder: of.default, autocomplete: "off", "aria-describedby": `${id}-hint ${id}-wrong` });
  return make("div", { className: "setting" },
    make("label", { for: id }, make("b", { text: of.name }), of.required ? " (needed)" : ""),
    input,
    make("small", { id: `${id}-hint`, text: of.hint }),
    make("span", { id: `${id}-wrong`, className: "wrong", "data-of": of.name }));
}

const chosenKind = () => document.querySelector("[name=what]:checked").value;
const theFault = () => seen.offers.families.flatMap((family) => family.faults).find((fault) => fault.name === byId("fault").value);

function drawDrills() {
  if (seen.offers === null) return;
  const words = byId("drill-find").value.toLowerCase().split(/\s+/);
  const fits = (drill) => words.every((word) => `${drill.name} ${drill.mode} ${drill.claim} ${drill.faults.join(" ")}`.toLowerCase().includes(word));
  const groups = new Map();
  for (const drill of seen.offers.drills.filter(fits)) {
    if (!groups.has(drill.mode)) groups.set(drill.mode, make("optgroup", { label: drill.mode }));
    groups.get(drill.mode).append(make("option", { text: drill.name, value: drill.name }));
  }
  byId("drill").replaceChildren(...groups.values());
  const first = byId("drill").querySelector("option");
  if (first) first.selected = true;
  drawAbout();
}

function drawAbout() {
  if (seen.offers === null) return;
  const about = byId("about");
  const kind = chosenKind();
  const faults = (names) => names.map((name) => make("code", { text: name }));
  if (kind === "drill") {
    const drill = seen.offers.drills.find((one) => one.name === byId("drill").value);
    about.replaceChildren(...(drill ? [make("p", { text: drill.claim }), ...faults(drill.faults), make("p", { text: `In the drill, held by ${drill.controls.join(", ")}.` })] : [make("p", { text: "No drill has these words." })]));
  } else if (kind === "preset") {
    about.replaceChildren(...faults(seen.offers.presets.find((one) => one.name === byId("preset").value).faults));
  } else about.replaceChildren(make("p", { text: theFault().says }));
}

function drawSettings() {
  const [needed, others] = [true, false].map((wanted) => theFault().settings.filter((one) => one.required === wanted));
  byId("settings").replaceChildren(...needed.map(setting),
    make("details", { id: "others", open: !needed.length }, make("summary", { text: "What has a default" }), ...others.map(setting)));
  drawAbout();
}

function drawOffers() {
  byId("preset").replaceChildren(...seen.offers.presets.map((one) => make("option", { text: one.name, value: one.name })));
  byId("fault").replaceChildren(...seen.offers.families.map((family) => make("optgroup", { label: family.title }, ...family.faults.map((fault) => make("option", { text: fault.name, value: fault.name })))));
  drawSettings();
  drawDrills();
  byId("inject").disabled = false;
}

function pick() {
  for (const kind of ["drill", "preset", "fault"]) byId(`pick-${kind}`).hidden = chosenKind() !== kind;
  drawAbout();
}

async function inject(event) {
  event.preventDefault();
  const kind = chosenKind();
  const settings = Object.fromEntries([...byId("settings").querySelectorAll("input, select")].map((field) => [field.name, field.value]));
  const what = kind === "fault" ? { fault: byId("fault").value, settings } : { [kind]: byId(kind).value };
  const answer = await act("inject", { what }, "inject-wrong");
  const wrong = answer?.fields ?? {};
  for (const place of document.querySelectorAll("[data-of]")) {
    const says = wrong[place.dataset.of] ?? "";
    place.textContent = says;
    byId(`setting-${place.dataset.of}`).toggleAttribute("aria-invalid", Boolean(says));
    if (says) {
      byId(`setting-${place.dataset.of}`).setAttribute("aria-invalid", "true");
      place.closest("details")?.setAttribute("open", "");
    }
  }
  document.querySelector("#settings [aria-invalid]")?.focus();
}

// The end.

async function sure(title, text, list, yes) {
  byId("sure-title").textContent = title;
  byId("sure-text").textContent = text;
  byId("sure-list").replaceChildren(...list.map((line) => make("li", { text: line })));
  byId("sure-yes").textContent = yes;
  const dialog = byId("sure");
  dialog.returnValue = "no";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue === "yes";
}

function missing() {
  if (!seen.people.length) return ["Nothing was injected: the report will be INCONCLUSIVE."];
  return seen.people.flatMap((it) => {
    if (!it.strikes) return [`Incident ${it.number} never struck: it will be INCONCLUSIVE.`];
    const open = MOMENTS.filter((name) => it.moments[name] === null);
    return open.length ? [`Incident ${it.number} was never ${open.join(" and never ")}: it will FAIL.`] : [];
  });
}

async function close() {
  if (await sure("Close the game day?", "What was injected is taken out, and the report is written. There is no way back.", missing(), "Close and write report")) {
    await act("close", {}, "end-wrong");
  }
}

async function reset() {
  if (await sure("Reset the service?", "Clients lose every batch, and what was injected is gone. The scorecard stays.", [], "Reset")) {
    await act("reset", {}, "end-wrong");
  }
}

// Coming in.

function gate(why) {
  sessionStorage.removeItem("token");
  byId("room").hidden = true;
  byId("gate").hidden = false;
  byId("gate-wrong").textContent = why;
  link("lost", "not connected");
}

async function enter(mine) {
  byId("gate").hidden = true;
  byId("room").hidden = false;
  if (role === mine) return;
  role = mine;
  byId("role").textContent = role;
  byId("role").dataset.role = role;
  if (seen.day) drawEnd();
  if (role === "facilitator") {
    seen.offers = await (await ask("offers")).json();
    drawOffers();
  }
}

function open(given) {
  token = given;
  sessionStorage.setItem("token", token);
  role = lastId = "";
  listen();
}

byId("gate").addEventListener("submit", (event) => {
  event.preventDefault();
  open(byId("token").value.trim().split("#").pop());
});
byId("by").value = localStorage.getItem("gameday-name") ?? "";
byId("by").addEventListener("change", () => localStorage.setItem("gameday-name", byId("by").value));
byId("note-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!failed(await act("note", { note: byId("note").value }, "me-wrong"))) byId("note").value = "";
});
for (const button of document.querySelectorAll("[data-jump]")) {
  button.addEventListener("click", () => act("advance", { seconds: Number(button.dataset.jump) }, "clock-wrong"));
}
byId("next-end").addEventListener("click", () => act("next-end", {}, "clock-wrong"));
byId("speed-form").addEventListener("submit", (event) => {
  event.preventDefault();
  act("speed", { speed: Number(byId("speed").value) }, "clock-wrong");
});
for (const choice of document.querySelectorAll("[name=what]")) choice.addEventListener("change", pick);
byId("drill-find").addEventListener("input", drawDrills);
byId("drill").addEventListener("change", drawAbout);
byId("preset").addEventListener("change", drawAbout);
byId("fault").addEventListener("change", drawSettings);
byId("inject-form").addEventListener("submit", inject);
byId("kinds").addEventListener("change", drawFeed);
byId("pause").addEventListener("click", () => {
  held = !held;
  byId("pause").setAttribute("aria-pressed", String(held));
  drawFeed();
});
byId("close").addEventListener("click", close);
byId("reset").addEventListener("click", reset);
setInterval(() => {
  if (seen.clock?.speed) {
    drawClock();
    drawBatches();
  }
}, 500);

// The token stands in the fragment, which is sent to nobody; it is taken out of the address at once.
const given = location.hash.slice(1);
if (given) history.replaceState(null, "", location.pathname);
if (given || sessionStorage.getItem("token")) open(given || sessionStorage.getItem("token"));
else gate("");
