const nameOf = (l) => (l.variant ? `${l.title}, ${l.variant}` : l.title);

// lineOf is a line of a cart, a review or an order. more stands at its end.
const lineOf = (l, ...more) => el("li", { class: "line" },
	picture(l.handle, l.title),
	el("div", { class: "what" }, el("strong", null, l.title), l.variant && el("span", { class: "quiet" }, l.variant),
		el("span", { class: "quiet" }, more.length ? price(l.price) : `${l.quantity} × ${price(l.price)}`), notes(l.warnings, "warn")),
	el("div", { class: "end" }, ...more, el("span", { class: "sum" }, price(l.subtotal))));
const omitted = (n) => n > 0 && el("p", { class: "quiet" }, `and ${counted(n, "more line")}`);

// showCart is the whole cart, which each of its tools answers with.
const showCart = (d, focus) => {
	pieces = d.pieces;
	const set = (l, quantity) => write("update_cart_quantity", { product: l.sku, quantity }, (now) => {
		showCart(now);
		said(`${nameOf(l)}: ${quantity}. Total ${price(now.total)}.`);
	});
	const line = (l) => lineOf(l,
		el("div", { class: "count", role: "group", "aria-label": `Quantity of ${nameOf(l)}` },
			button("−", () => set(l, l.quantity - 1), { key: `less ${l.sku}`, name: `One ${nameOf(l)} less`, off: l.quantity <= 1 }),
			el("span", null, l.quantity),
			button("+", () => set(l, l.quantity + 1), { key: `more ${l.sku}`, name: `One ${nameOf(l)} more` })),
		button("Remove", () => write("remove_from_cart", { product: l.sku }, (now) => {
			showCart(now, "title");
			said(`Removed ${nameOf(l)}. ${now.lines.length ? `Total ${price(now.total)}.` : "The cart is empty."}`);
		}), { key: `remove ${l.sku}`, kind: "plain", name: `Remove ${nameOf(l)}` }));
	show({
		kind: "cart", title: "Cart",
		body: () => d.lines.length === 0
			? el("p", { class: "empty" }, picture("whisker-friendly-bowl", ""), "The cart is empty.", d.last_order && ` It was bought as order ${d.last_order}.`)
			: [again(d), el("ul", { class: "lines" }, d.lines.map(line)), omitted(d.lines_omitted), code(d), sums(d),
				el("div", { class: "actions" }, button("Review and buy", review, { key: "review", kind: "main" }))],
	}, focus);
};
// code is where a discount code is typed, or taken back.
const code = (d) => {
	const use = (word) => write("apply_discount_code", { code: word }, (now, say) => {
		showCart(now, "title");
		said(say.split("\n")[0]);
	});
	if (d.discount) return el("div", { class: "actions" }, button(`Remove the code ${d.discount.code}`, () => use(""), { key: "uncode", kind: "plain" }));
	const field = el("input", { id: "code", "data-key": "code", maxlength: 64, autocomplete: "off" });
	return el("details", null, el("summary", { "data-key": "codes" }, "Discount code"), el("div", { class: "actions" },
		el("p", { class: "field" }, el("label", { for: "code" }, "Your code"), field), button("Use it", () => field.value.trim() && use(field.value.trim()), { key: "use" })));
};
// again is what became of the lines of an order that was put into the cart again.
const again = (d) => [
	notes((d.changed_price || []).map((l) => `${l.title} costs ${price(l.now)} now; it was ${price(l.was)}.`), "warn"),
	notes((d.not_added || []).map((l) => `Not added, ${l.quantity} × ${l.title}: ${l.message}.`), "warn"),
];
const openCart = () => look("view_cart", {}, (d) => showCart(d, "title"));
const cartButton = () => button(pieces === undefined ? "Cart" : `Cart · ${pieces}`, openCart, { key: "cart", name: pieces === undefined ? "Open the cart" : `Open the cart, ${counted(pieces, "piece")}` });

kinds.push([(d) => d.lines && d.version !== undefined, showCart]);
