const review = () => look("review_checkout", {}, (d) => showReview(d, "title", true));

const toApprove = "You wanted to approve such a purchase yourself, on the shop's own page.";
const approve = ({ approve_url: url }) => url && button("Open the shop's page", () => host.open(url).catch(() => said(`Open this page yourself: ${url}`)), { key: "approve", kind: "main" });

// showRefusal is why the purchase that the model asked for was not made.
const showRefusal = (p) => show({
	kind: "refusal", title: "Checkout",
	body: () => el("div", { class: "why", role: "alert" }, el("p", null, p.code === "approval_required" ? `Nothing was bought yet. ${toApprove}` : plain(p.message)),
		el("div", { class: "actions" }, approve(p), button("Review", review, { key: "review" }))),
});

// showReview is what will be bought, and the button that buys it. Only a person can
// press it; the shop's own rules stand behind it all the same.
const showReview = (d, focus, fresh) => {
	let quoteKey = newKey(), problem = null, method = "", over = false;
	const ends = d.expires_at ? new Date(d.expires_at) - Date.now() : 0;
	const screen = { kind: "review", title: "Review" };
	const top = () => screens[screens.length - 1] === screen;
	const buy = () => {
		const given = { quote_id: d.quote_id, idempotency_key: quoteKey };
		if (method) given.payment_method = method;
		said("Buying…");
		// The views' own tool does not ask once more; a client that does not tell the shop
		// of its views has only the other.
		const by = (tool) => write(tool, given, (order, say) => {
			pieces = 0;
			screens.length = 0;
			showOrder(order, "title");
			said(order.replayed ? "This was bought already; nothing was bought again." : `Bought for ${price(order.total)}.`);
		}, (p) => {
			if (p.code === "views_only") return by("checkout"), true;
			problem = p;
			// An answer that was lost is asked for under the same key; a refusal that
			// stands would only be repeated.
			if (!p.retryable) quoteKey = newKey();
			said("");
			draw("why");
			return true;
		});
		return by("confirm_checkout");
	};
	const confirm = (text) => button(text, buy, { key: "buy", kind: "main", once: true });
	const afresh = () => button("Review again", review, { key: "afresh", kind: "main" });
	const ways = {
		payment_declined: () => [`The payment was declined (${worded(problem.decline_code)}). Nothing was charged and the cart is as before.`, payment(), confirm("Try this payment")],
		payment_method_required: () => ["How shall it be paid?", payment(), confirm("Pay with this")],
		payment_pending: () => [`Whether order ${problem.order_id} is paid is not known yet. Looking again never pays twice.`, confirm("Look again")],
		checkout_in_progress: () => [`The purchase is under way as order ${problem.order_id}. Looking again never buys twice.`, confirm("Look again")],
		quote_expired: () => ["The time for these prices is over. Nothing was bought.", afresh()],
		quote_outdated: () => ["The cart or a price changed. Nothing was bought.", afresh()],
		approval_required: () => [`Nothing was bought yet. ${toApprove}`, approve(problem), confirm("I have approved it: buy")],
		approval_denied: () => ["Nothing was bought: you said no to this purchase.", approve(problem), confirm("I have changed my mind: buy")],
		no_answer: () => ["No answer came. Trying again never buys twice; if that does not help, ask for the purchase in the chat.", confirm("Try again")],
	};
	const payment = () => {
		const field = el("input", { id: "method", value: method, placeholder: d.test_money ? "pm_card_visa" : undefined, maxlength: 200, autocomplete: "off" });
		field.addEventListener("input", () => { method = field.value.trim(); });
		return el("p", { class: "field" }, el("label", { for: "method" }, "Payment method"), field);
	};
	const why = () => {
		const [text, ...acts] = (ways[problem.code] || (() => [plain(problem.message), problem.retryable ? confirm("Try again") : afresh()]))();
		return el("div", { class: "why", role: "alert" }, el("p", { tabindex: -1, "data-key": "why" }, text), el("div", { class: "actions" }, acts));
	};
	screen.body = () => [
		el("ul", { class: "lines" }, d.lines.map((l) => lineOf(l))), omitted(d.lines_omitted),
		notes(d.problems, "bad"), notes((d.warnings || []).map((w) => (w.code === "approval_required" ? toApprove : w)), "warn"), sums(d),
		d.ready && !over && el("p", { class: "quiet" }, `These prices hold until ${when(d.expires_at, { timeStyle: "short" })}.`),
		d.test_money && el("p", { class: "quiet" }, "Test shop: no real money moves."),
		problem ? why() : el("div", { class: "actions" },
			over && el("p", null, "The time for these prices is over."),
			d.ready && !over ? confirm(`Confirm and pay ${price(d.total)}`) : afresh()),
	];
	// One that was just asked for is not over: then this machine's clock is wrong.
	if (d.ready && ends > 0) {
		setTimeout(() => {
			over = true;
			if (!top() || problem || busy) return;
			said("The time for these prices is over.");
			draw();
		}, Math.min(ends, 2 ** 31 - 1));
	} else over = d.ready && !fresh;
	screen.tools = () => (screens.length > 1 ? [] : [cartButton()]);
	show(screen, focus);
};

// badge is an order's status in a word and a colour.
const tone = (status) => (/declined|failed|cancel/.test(status) ? "bad" : /paying|started|pending|request/.test(status) ? "warn" : "good");
const badge = (status) => status && el("span", { class: `badge ${tone(status)}` }, worded(status));
const reorder = (id) => button("Order again", () => write("reorder", { order_id: id }, (d) => {
	showCart(d, "title");
	said((d.added || []).length ? `Put into the cart: ${counted(d.added.length, "item")}.` : "Nothing was put into the cart.");
}), { key: `reorder ${id}`, name: `Order ${id} again` });
const timeline = (steps) => el("ol", { class: "timeline" }, steps.map((s) => el("li", null, el("span", { class: "quiet" }, when(s.at)), el("span", null, s.what))));

// stands is where each order stood when it was last told, for the list of them.
const stands = new Map();
const list = (name, lines) => lines.length > 0 && [el("h2", null, name), el("ul", { class: "notes" }, lines.map((l) => el("li", null, l)))];

// showOrder is one order. What can be done about it, the shop says.
const showOrder = (d, focus, steps = d.timeline) => {
	let sure = "";
	const id = d.order_id;
	stands.set(id, d.status);
	const reload = (text) => look("get_order", { order_id: id }, (now) => { showOrder(now, "title"); said(text); });
	const twice = (key, text, really, tool) => sure === key
		? [button(really, () => write(tool, { order_id: id }, (now, say) => reload(say.split("\n")[0])), { key: `${key} sure`, kind: "danger" }),
			button("Keep it", () => { sure = ""; draw(key); }, { key: `${key} not`, kind: "plain" })]
		: button(text, () => { sure = key; draw(`${key} sure`); }, { key, kind: "plain" });
	show({
		kind: "order", title: `Order ${id}`,
		body: () => [
			el("p", { class: "facts" }, badge(d.status), el("span", { class: "quiet" }, when(d.placed_at || d.started_at))),
			d.reason && el("p", { class: "notes bad" }, d.reason),
			d.tracking && el("p", { class: "facts" }, `${d.tracking.carrier} ${d.tracking.number}`,
				d.tracking.url && button("Follow the parcel", () => host.open(d.tracking.url).catch(() => said(`Open this page yourself: ${d.tracking.url}`)), { key: "parcel", kind: "plain" })),
			d.lines && el("ul", { class: "lines" }, d.lines.map((l) => lineOf(l))), omitted(d.lines_omitted), sums(d),
			list("Returns", (d.returns || []).map((r) => `${(r.items || []).join(", ")}: ${worded(r.status)}, ${price(r.refund)}${r.refusal ? ` (${r.refusal})` : ""}`)),
			list("Refunds", (d.refunds || []).map((r) => `${price(r.amount)}: ${worded(r.status)}${r.reason ? ` (${r.reason})` : ""}`)),
			steps && [el("h2", null, "What happened"), timeline(steps)],
			el("div", { class: "actions" },
				!steps && button("What happened?", () => look("explain_order", { order_id: id }, (t) => showOrder(d, "title", t.timeline)), { key: "explain" }),
				!d.lines && button("Show the items", () => look("get_order", { order_id: id }, (now) => showOrder(now, "title", steps)), { key: "items" }),
				(d.can_reorder || (d.can_reorder === undefined && d.status === "placed")) && reorder(id),
				d.can_cancel && twice("cancel", "Cancel this order", "Yes, cancel it", "cancel_order"),
				d.can_return && twice("return", "Return it", "Yes, return it", "request_return")),
		],
	}, focus);
};

kinds.push([(d) => d.ready !== undefined && d.lines, showReview],
	[(d) => d.order_id && d.timeline, (d, focus) => showOrder(d, focus, d.timeline)],
	[(d) => d.order_id && d.lines, showOrder]);
