// Lists what is wrong with how a page is made: an expression, evaluated in the page.
(() => {
	const faults = [];
	// Colours that are still on their way to others would be measured in between.
	document.getAnimations().forEach((a) => a.finish());
	const name = (e) => e.tagName.toLowerCase() + (e.className && e.className.baseVal === undefined ? "." + e.className : "") + ' "' + e.textContent.trim().slice(0, 30) + '"';

	// Colours, and their contrast as WCAG 2.2 defines it.
	const parse = (text) => {
		const n = (text.match(/[\d.]+/g) || []).map(Number);
		return { rgb: n.slice(0, 3), a: n.length > 3 ? n[3] : 1 };
	};
	const over = (top, under) => top.rgb.map((c, i) => c * top.a + under[i] * (1 - top.a));
	const behind = (e) => {
		const layers = [];
		for (; e; e = e.parentElement) {
			const c = parse(getComputedStyle(e).backgroundColor);
			layers.unshift(c);
			if (c.a === 1) break;
		}
		return layers.reduce((under, top) => over(top, under), [255, 255, 255]);
	};
	const light = (rgb) => rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
	const contrast = (a, b) => {
		const [hi, lo] = [light(a), light(b)].sort((x, y) => y - x);
		return (hi + 0.05) / (lo + 0.05);
	};
	const shown = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0;
	let texts = 0;
	const readable = (e) => {
		texts++;
		const back = behind(e), style = getComputedStyle(e), c = contrast(over(parse(style.color), back), back);
		if (c < 4.5) faults.push(`${name(e)} has a contrast of ${c.toFixed(2)}: ${style.color} on ${back}`);
		for (let p = e; p; p = p.parentElement) if (getComputedStyle(p).opacity !== "1") faults.push(name(p) + " is see-through");
	};
	for (const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); walk.nextNode(); ) {
		const e = walk.currentNode.parentElement;
		if (walk.currentNode.data.trim() && shown(e)) readable(e);
	}
	for (const e of document.querySelectorAll("input:not([type=hidden])")) {
		if (!shown(e)) continue;
		readable(e);
		if (e.placeholder) {
			const p = contrast(parse(getComputedStyle(e, "::placeholder").color).rgb, behind(e));
			if (p < 4.5) faults.push(`the placeholder of ${e.name} has a contrast of ${p.toFixed(2)}`);
		}
		const c = contrast(over(parse(getComputedStyle(e).borderTopColor), behind(e.parentElement)), behind(e.parentElement));
		if (c < 3) faults.push(`the edge of ${e.name} has a contrast of ${c.toFixed(2)}`);
		if (!e.labels || !e.labels.length) faults.push(e.name + " has no label");
		if (!e.getAttribute("autocomplete")) faults.push(e.name + " does not tell a password manager what it is");
	}
	if (texts < 3) faults.push("hardly a text was found");

	// The frame that finds its way to a screen reader.
	if (document.documentElement.lang !== "en") faults.push("the page does not say its language");
	if (!document.title.endsWith(" · Till") || document.title.length < 10) faults.push("the title is " + document.title);
	if (!document.querySelector("meta[name=viewport]")) faults.push("no viewport");
	if (document.querySelectorAll("h1").length !== 1) faults.push("there is not one h1");
	let level = 0;
	for (const h of document.querySelectorAll("h1,h2,h3,h4")) {
		if (+h.tagName[1] > level + 1) faults.push(name(h) + " skips a level");
		level = +h.tagName[1];
	}
	const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
	if (new Set(ids).size !== ids.length) faults.push("an id is there twice: " + ids);
	// Where there are passkeys there is the one script that asks for them.
	const scripts = document.querySelectorAll("script").length - (document.querySelector("form[data-passkey]") ? 1 : 0);
	if (scripts > 0 || document.querySelector("script[src],iframe,object,embed,link[rel=stylesheet],img")) faults.push("the page holds what it should not");
	if ([...document.querySelectorAll("*")].some((e) => [...e.attributes].some((a) => a.name.startsWith("on") || a.name === "style"))) faults.push("an attribute is a script or a style");

	// A name that is written from right to left must not turn the words after it.
	for (const e of document.querySelectorAll(".app,strong,code")) {
		if (getComputedStyle(e).unicodeBidi !== "isolate") faults.push(name(e) + " may run into its neighbours");
	}

	// Room.
	const wide = document.documentElement.scrollWidth - innerWidth;
	if (wide > 0) faults.push(`the page is ${wide} pixels too wide for ${innerWidth}`);
	for (const e of document.querySelectorAll("main *")) {
		const r = e.getBoundingClientRect(), main = e.closest("main").getBoundingClientRect();
		if (shown(e) && r.width > 1 && (r.right > main.right + 1 || r.left < main.left - 1)) faults.push(name(e) + " hangs out of the page's card");
	}
	for (const e of document.querySelectorAll("button,summary,input:not([type=hidden])")) {
		if (!shown(e) || e.closest("[aria-hidden=true]")) continue;
		const r = e.getBoundingClientRect();
		if (r.height < 24 || r.width < 24) faults.push(`${name(e)} is ${r.width}x${r.height}, too small to hit`);
	}
	if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
		for (const e of document.querySelectorAll("*")) {
			const s = getComputedStyle(e);
			if (s.animationName !== "none" || parseFloat(s.transitionDuration) > 0) faults.push(name(e) + " moves");
		}
	}
	return faults;
})()
