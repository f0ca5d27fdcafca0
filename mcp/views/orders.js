// showOrders is a page of the history, to which older ones are added.
const showOrders = (d, focus) => {
	const told = (page) => page.orders.map((o) => (stands.set(o.order_id, o.status), o));
	const all = told(d), asked = { ...host.input };
	let next = d.next_cursor;
	const open = (o) => look("get_order", { order_id: o.order_id }, (order) => showOrder({ can_reorder: o.can_reorder, ...order }, "title"));
	const more = () => look("get_order_history", { ...asked, cursor: next }, (page) => {
		const first = page.orders[0];
		all.push(...told(page));
		next = page.next_cursor;
		draw(first && `open ${first.order_id}`);
		said(`${all.length} of ${page.total} are shown.`);
	});
	show({
		kind: "orders", title: "Orders",
		body: () => [
			all.length === 0 && el("p", { class: "empty" }, "There are no orders here."),
			el("ul", { class: "lines" }, all.map((o) => el("li", { class: "order" },
				el("div", { class: "what" },
					el("h2", null, button(o.order_id, () => open(o), { key: `open ${o.order_id}`, kind: "link", name: `Open order ${o.order_id}` })),
					el("span", { class: "facts" }, badge(stands.get(o.order_id)), el("span", { class: "quiet" }, when(o.placed_at))),
					el("span", null, (o.items || []).join(", "), o.more_items > 0 && ` and ${o.more_items} more`)),
				el("div", { class: "end" }, el("span", { class: "sum" }, price(o.total)), o.can_reorder && reorder(o.order_id))))),
			next && el("div", { class: "actions" }, button("Older orders", more, { key: "more" })),
		],
	}, focus);
};
kinds.push([(d) => d.orders, showOrders]);
