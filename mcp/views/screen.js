// el makes an element. What comes from the shop is text: nothing here reads markup.
const el = (tag, attributes, ...children) => {
	const e = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes || {})) {
		if (value === undefined || value === null || value === false) continue;
		if (name === "on") e.addEventListener("click", value);
		else e.setAttribute(name, value === true ? "" : value);
	}
	e.append(...children.flat(9).filter((c) => c || c === 0).map((c) => (c instanceof Node ? c : String(c))));
	return e;
};
const byId = (id) => document.getElementById(id);

// said is read out, and stays to be read.
const said = (text, bad) => {
	byId("said").textContent = text;
	byId("said").className = bad ? "bad" : "";
};

// Screens: each draws itself into the page; back leads to the one before.
const screens = [];
let pieces, busy = false, turned = 0, pressed;
const draw = (focus) => {
	const { title, body, tools } = screens[screens.length - 1];
	const held = focus || (document.activeElement && document.activeElement.dataset.key);
	byId("title").textContent = title;
	byId("tools").replaceChildren(...[
		screens.length > 1 && button("Back", () => { screens.pop(); said(""); draw("title"); }, { key: "back", kind: "plain" }),
		...(tools ? tools() : []),
	].filter(Boolean));
	byId("main").replaceChildren(...[body()].flat(9).filter(Boolean));
	if (!held) return;
	// Who was on a button finds themselves on it again, or at the title.
	const again = [...document.querySelectorAll("[data-key]")].find((e) => e.dataset.key === held);
	(again || byId("title")).focus({ preventScroll: held === "title" && !focus });
};
// show puts a screen on top, in place of those of its kind.
const show = (screen, focus) => {
	const at = screens.findIndex((s) => s.kind === screen.kind);
	if (at < 0 || at < screens.length - 1) {
		said("");
		turned = Date.now();
	}
	if (at >= 0) screens.length = at;
	screens.push(screen);
	draw(focus);
};

// button does one thing at a time; while the shop is asked it keeps the focus. The
// second half of a double click is none for what has come under the mouse since, nor
// for what is done once.
const button = (text, does, { key, kind, name, off, once } = {}) => el("button", {
	type: "button", class: kind, "data-key": key, "aria-label": name, "aria-disabled": off ? "true" : undefined,
	on: (event) => {
		if (off || busy || event.detail > 1 && (once || key !== pressed || Date.now() - turned < 600)) return;
		pressed = key;
		does();
	},
}, text);

const price = (p) => (p && p.display) || "";
const counted = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;
const worded = (word) => String(word || "").replaceAll("_", " ");
const when = (stamp, style) => {
	const t = new Date(stamp);
	if (Number.isNaN(+t)) return stamp || "";
	const how = style || { dateStyle: "medium", timeStyle: "short" };
	try {
		return new Intl.DateTimeFormat(host.context.locale || "en", { ...how, timeZone: host.context.timeZone }).format(t);
	} catch {
		return new Intl.DateTimeFormat("en", how).format(t);
	}
};

// read takes a tool's result apart: what it says, and its content. A client may
// drop the structured content; the last line of the text holds it too.
const read = (result) => {
	const text = (result.content || []).filter((c) => c.type === "text").map((c) => c.text).join("\n");
	const cut = text.lastIndexOf("\n");
	let data = result.isError ? null : result.structuredContent;
	if (!data) try { data = JSON.parse(text.slice(cut + 1)); } catch { data = null; }
	const say = data && cut > 0 ? text.slice(0, cut) : text;
	if (result.isError) return { problem: data && data.code ? data : { code: "", message: say || "The shop refused." } };
	return data ? { say, data } : { problem: { code: "", message: "The answer holds nothing to show." } };
};

// call calls a tool through the client. A key stands for what the person wants: when
// an answer is lost, the same call with the same key is done only once.
const call = async (name, given) => {
	busy = true;
	document.body.setAttribute("aria-busy", "true");
	try {
		return read(await host.ask("tools/call", { name, arguments: given }));
	} catch (error) {
		return { problem: { code: "no_answer", retryable: true, message: `No answer came: ${error.message}` } };
	} finally {
		busy = false;
		document.body.removeAttribute("aria-busy");
	}
};
const newKey = () => crypto.randomUUID ? crypto.randomUUID() : [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
const write = async (name, given, done, failed) => {
	given = { idempotency_key: newKey(), ...given };
	const { problem, say, data } = await call(name, given);
	if (!problem) {
		if (data.pieces !== undefined && data.version !== undefined) pieces = data.pieces;
		host.tell(`The person did this in the shop's view (${name}): ${say}`);
		return done(data, say);
	}
	if (failed && failed(problem)) return;
	refuse(problem, problem.retryable ? () => write(name, given, done, failed) : null);
};
const look = async (name, given, done) => {
	const { problem, say, data } = await call(name, given);
	if (problem) refuse(problem, problem.retryable ? () => look(name, given, done) : null);
	else done(data, say);
};

// plain leaves out the sentences of a refusal that tell a model which tool to call.
const plain = (message) => {
	const sentences = String(message || "").split(/(?<=[.!?])\s+/);
	return sentences.filter((s) => !/[a-z]_[a-z]/.test(s)).join(" ") || String(message);
};
// refuse says why something was not done, and lets it be tried again.
const refuse = (problem, again) => {
	said(plain(problem.message), true);
	if (!again) return;
	byId("said").append(" ", button("Try again", again, { key: "again", kind: "plain" }));
};

// kinds tell by an answer's fields which screen shows it.
const kinds = [];
const shown = (data, focus) => {
	const kind = kinds.find(([is]) => is(data));
	if (kind) kind[1](data, focus);
	else said("This view cannot show that answer; the chat has it in words.", true);
};

const notes = (list, kind) => (list || []).length > 0 && el("ul", { class: `notes ${kind}` }, list.map((n) => el("li", null, n.message || n)));
// sums are what all costs, with what a discount code takes off or why it does not.
const sums = (d) => {
	const row = (name, text, strong) => el("div", { class: strong && "strong" }, el("dt", null, name), el("dd", null, text));
	const off = d.discount || {};
	return [notes(off.warning && [off.warning], "warn"), el("dl", { class: "sums" },
		off.amount && [row("Subtotal", price(off.subtotal)), row(`Discount ${off.code}`, `−${price(off.amount)}`)],
		d.total && row("Total", price(d.total), true))];
};
