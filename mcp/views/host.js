// The client that shows this document, behind the frame's edge: JSON-RPC 2.0 over
// postMessage, MCP Apps 2026-01-26.
const host = { capabilities: {}, context: {}, input: {}, result: null, changed() {}, cancelled() {} };
{
	const waiting = new Map();
	let last = 0;
	const post = (message) => parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
	host.notify = (method, params = {}) => post({ method, params });
	host.ask = (method, params) => new Promise((resolve, reject) => {
		waiting.set(++last, { resolve, reject });
		post({ id: last, method, params });
	});
	host.heard = {
		"ui/notifications/tool-input": (p) => { host.input = p.arguments || {}; },
		"ui/notifications/tool-result": (p) => host.result && host.result(p),
		"ui/notifications/tool-cancelled": () => host.cancelled(),
		"ui/notifications/host-context-changed": (p) => dress(p),
	};
	addEventListener("message", (event) => {
		const m = event.data;
		if (event.source !== parent || !m || m.jsonrpc !== "2.0") return;
		if (m.method === undefined) {
			const w = waiting.get(m.id);
			waiting.delete(m.id);
			if (w && m.error) w.reject(new Error(m.error.message || "refused"));
			else if (w) w.resolve(m.result || {});
		} else if (m.id === undefined) {
			const hear = host.heard[m.method];
			if (hear) hear(m.params || {});
		} else if (m.method === "ui/resource-teardown" || m.method === "ping") {
			post({ id: m.id, result: {} });
		} else {
			post({ id: m.id, error: { code: -32601, message: "there is no such method" } });
		}
	});
	// dress takes on how the client looks. Its colours only as a pair: text of one and
	// ground of another may be the same.
	const dress = (context) => {
		const { locale, timeZone } = host.context;
		Object.assign(host.context, context);
		const root = document.documentElement, { theme, safeAreaInsets: inset } = context;
		if (theme === "light" || theme === "dark") root.style.colorScheme = theme;
		const vars = (context.styles || {}).variables || {};
		const paired = vars["--color-background-primary"] && vars["--color-text-primary"];
		for (const [name, value] of Object.entries(vars)) {
			if (!name.startsWith("--") || typeof value !== "string") continue;
			if (paired || !name.startsWith("--color-")) root.style.setProperty(name, value);
		}
		if (inset) document.body.style.padding = ["top", "right", "bottom", "left"].map((s) => `${Math.max(16, inset[s] || 0)}px`).join(" ");
		// Only times are worded anew. Hosts also tell of each change of the size, and what
		// a person is typing would be gone.
		if (host.context.locale !== locale || host.context.timeZone !== timeZone) host.changed();
	};
	host.start = async () => {
		const r = await host.ask("ui/initialize", {
			protocolVersion: "2026-01-26", appInfo: { name: "till", version: "1" },
			appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
		});
		host.capabilities = r.hostCapabilities || {};
		dress(r.hostContext || {});
		host.notify("ui/notifications/initialized");
		let height = 0;
		new ResizeObserver(() => {
			const now = Math.ceil(document.documentElement.getBoundingClientRect().height);
			if (now !== height) host.notify("ui/notifications/size-changed", { height: height = now });
		}).observe(document.documentElement);
	};
	// tell lets the model know what the person did here, so that it does not answer
	// from an older state.
	host.tell = (text) => {
		if (host.capabilities.updateModelContext) host.ask("ui/update-model-context", { content: [{ type: "text", text }] }).catch(() => {});
	};
	host.open = (url) => host.ask("ui/open-link", { url }).then((r) => { if (r.isError) throw new Error("not opened"); });
}
