// The answer that this view was opened for comes once. A client that shows a view
// without one gets the view's own.
host.result = (result) => {
	const { problem, data } = read(result);
	screens.length = 0;
	said("");
	byId("main").replaceChildren();
	if (problem && (problem.quote_id || problem.approve_url)) showRefusal(problem);
	else if (problem) refuse(problem);
	else shown(data);
};
host.cancelled = () => { byId("main").replaceChildren(el("p", { class: "empty" }, "The shop was not asked.")); };
host.changed = () => { if (screens.length) draw(); };
if (parent === window) byId("main").replaceChildren(el("p", { class: "empty" }, "This page is shown by an MCP client."));
else host.start().catch((error) => said(`The client does not answer: ${error.message}`, true));
