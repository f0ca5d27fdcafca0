// Which of the drawings shows a product, by its handle. What the shop was not drawn
// for gets its initial.
const drawn = {
	wand: "whisker-wand feather-refill-pack cork-fishing-rod", mouse: "catnip-mouse robo-vole", laser: "laser-pointer-pro",
	ball: "crinkle-ball-trio track-tower-ball", kicker: "catnip-kicker silvervine-sticks", puzzle: "treat-puzzle-board slow-feeder-mat",
	tunnel: "crackle-tunnel felt-cave", bed: "cozy-cat-bed orthopaedic-bed radiator-lounger", hammock: "window-hammock window-shelf catio-balcony",
	mat: "heated-pad travel-mat cooling-gel-mat litter-mat", box: "cardboard-castle hide-cube gift-card-box",
	tower: "scratching-post-tower ceiling-cat-tree", board: "corner-sofa-scratcher wave-scratch-board hanging-door-scratcher self-groomer-arch",
	steps: "wall-steps stair-ramp", rope: "sisal-rope-roll", pouch: "salmon-treats tuna-crunchies gravy-pouches senior-stew freeze-dried-duck bonito-flakes probiotic-sachets pill-pockets joint-chews",
	tin: "chicken-pate-tins raw-turkey-medallions food-storage-bin", sack: "indoor-kibble kitten-kibble clumping-clay tofu-litter wood-pellet-litter odour-powder",
	tube: "lickable-cream hairball-paste broth-cubes dental-kit", grass: "cat-grass-kit", comb: "deshedding-comb flea-comb tick-hooks",
	glove: "silicone-glove", clipper: "nail-clipper", bottle: "waterless-foam detangling-spray calming-spray", wipes: "ear-eye-wipes lint-roller-xl",
	tray: "hooded-litter-box low-entry-tray self-cleaning-box", scoop: "steel-scoop", carrier: "cabin-carrier top-load-crate", backpack: "bubble-backpack",
	collar: "breakaway-collar reflective-collar engraved-tag gps-tracker recovery-collar", harness: "escape-proof-harness car-seat-belt", bow: "bow-tie",
	bowl: "whisker-friendly-bowl raised-double-diner travel-bowl-set", fountain: "ceramic-fountain fountain-filters", feeder: "timed-feeder microchip-feeder",
	aid: "pet-first-aid-kit", scale: "smart-scale", mug: "cat-lady-mug", paw: "paw-print-kit cat-enamel-pins sticker-sheet", socks: "cat-socks", calendar: "wall-calendar",
};
const kindOf = new Map(Object.entries(drawn).flatMap(([kind, handles]) => handles.split(" ").map((h) => [h, kind])));
const svg = (tag, attributes, ...children) => {
	const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
	for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
	e.append(...children);
	return e;
};
// picture is a drawing in colours of the product's own. It is ornament: the name
// stands beside it.
const picture = (handle, title) => {
	let hue = 7;
	for (const c of String(handle || title || "")) hue = (hue * 31 + c.codePointAt(0)) % 360;
	const kind = kindOf.get(handle), box = svg("svg", { viewBox: "0 0 64 64", class: "picture", "aria-hidden": "true" });
	// Names that are nearly alike get colours that are not.
	box.style.setProperty("--hue", (hue * 173 + 130) % 360);
	if (kind) box.append(svg("use", { href: `#p-${kind}` }));
	else box.append(svg("text", { x: 32, y: 33, class: "initial" }, (/[\p{L}\p{N}]/u.exec(title || "") || ["?"])[0].toUpperCase()));
	return box;
};
