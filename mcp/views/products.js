const stockOf = (p) => (p.in_stock ? el("span", { class: "badge good" }, "in stock") : el("span", { class: "badge bad" }, "out of stock"));
const cost = (p) => (p.price_to ? `${price(p.price)} – ${price(p.price_to)}` : price(p.price));
const add = (product, title, key) => button("Add", () => write("add_to_cart", { product, quantity: 1 }, (d) => {
	draw(key);
	said(`Added ${title}. The cart holds ${counted(d.pieces, "piece")}, ${price(d.total)}.`);
}), { key, kind: "main", once: true, name: `Add ${title} to the cart` });
const openProduct = (handle) => look("get_product", { product: handle }, (d) => showProduct(d, "title"));

const card = (p) => el("li", { class: "card" },
	picture(p.handle, p.title),
	el("h2", null, button(p.title, () => openProduct(p.handle), { key: `open ${p.id}`, kind: "link" })),
	el("p", { class: "price" }, cost(p)),
	el("p", null, stockOf(p)),
	el("div", { class: "actions" }, p.variants > 1
		? button("Choose", () => openProduct(p.handle), { key: `add ${p.id}`, name: `Choose a variant of ${p.title}` })
		: p.in_stock ? add(p.handle, p.title, `add ${p.id}`) : button("Sold out", () => {}, { key: `add ${p.id}`, off: true, name: `${p.title} is sold out` })));

// showProducts is a page of products, to which more pages are added.
const showProducts = (d, focus) => {
	const all = [...d.products], asked = { ...host.input };
	let next = d.next_cursor;
	const tool = ((host.context.toolInfo || {}).tool || {}).name || (asked.query ? "search_products" : "list_products");
	const more = () => look(tool, { ...asked, cursor: next }, (page) => {
		const first = page.products[0];
		all.push(...page.products);
		next = page.next_cursor;
		draw(first && `open ${first.id}`);
		said(`${all.length} of ${page.total} are shown.`);
	});
	show({
		kind: "products", title: asked.query ? `“${asked.query}”` : asked.category ? worded(asked.category) : "Products", tools: () => [cartButton()],
		body: () => [
			d.searched_for && el("p", { class: "quiet" }, `Searched for “${d.searched_for}”.`),
			all.length ? el("ul", { class: "cards" }, all.map(card)) : el("p", { class: "empty" }, "Nothing was found."),
			!all.length && d.did_you_mean && el("div", { class: "actions" }, el("p", null, "Did you mean"),
				d.did_you_mean.map((s) => button(s.about || s.use, () => openProduct(s.use), { key: `mean ${s.use}` }))),
			next && el("div", { class: "actions" }, button("More", more, { key: "more", name: "More products" })),
		],
	}, focus);
};

// showProduct is one product with its variants.
const showProduct = (d, focus) => show({
	kind: "product", title: d.title, tools: () => [cartButton()],
	body: () => [
		el("div", { class: "about" }, picture(d.handle, d.title), el("div", null, el("p", { class: "price" }, cost(d)), el("p", null, stockOf(d)), el("p", null, d.description))),
		d.withdrawn ? el("p", { class: "notes bad" }, "This is no longer sold.") : el("ul", { class: "lines" }, d.variants.map((v) => el("li", { class: "line" },
			el("div", { class: "what" }, el("strong", null, v.title || d.title),
				el("span", { class: v.availability === "in_stock" ? "quiet" : "quiet low" }, { in_stock: "in stock", low: `only ${v.left} left`, out: "out of stock" }[v.availability])),
			el("div", { class: "end" }, el("span", { class: "sum" }, price(v.price)),
				v.availability === "out" ? button("Sold out", () => {}, { key: `add ${v.sku}`, off: true, name: `${v.title || d.title} is sold out` })
					: add(v.sku, v.title ? `${d.title}, ${v.title}` : d.title, `add ${v.sku}`))))),
		d.variants_omitted > 0 && el("p", { class: "quiet" }, `and ${counted(d.variants_omitted, "more variant")}`),
	],
}, focus);

kinds.push([(d) => d.products, showProducts], [(d) => Array.isArray(d.variants), showProduct]);
