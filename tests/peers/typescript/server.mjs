// usage: server.mjs DATABASE PORT [sdk1 | sdk2 | sdk2-sessions]
//
// sdk1 is version 1 of the SDK with sessions, sdk2 version 2 with a server for each
// request, as it serves 2026-07-28, sdk2-sessions version 2 with sessions. All answer
// in JSON.
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { McpServer as McpServer1 } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { McpServer as McpServer2, createMcpHandler } from "@modelcontextprotocol/server";
import { NodeStreamableHTTPServerTransport, toNodeHandler } from "@modelcontextprotocol/node";
import { answer, open } from "./shop.mjs";

const [path, port, mode = "sdk1"] = process.argv.slice(2);
const shop = open(path);
const about = { name: "cat-shop", version: "1.0.0" };

function server1() {
  const s = new McpServer1(about);
  for (const [name, description, inputSchema, run] of shop.tools) {
    s.registerTool(name, { description, inputSchema }, async (args, extra) => answer(run(extra.authInfo.extra.user, args)));
  }
  return s;
}

function server2() {
  const s = new McpServer2(about);
  for (const [name, description, inputSchema, run] of schemas) {
    s.registerTool(name, { description, inputSchema }, async (args, ctx) => answer(run(ctx.http.authInfo.extra.user, args)));
  }
  return s;
}
const schemas = shop.tools.map(([name, about, args, run]) => [name, about, z.object(args), run]);

// sessions keeps a server for each client.
function sessions(server, Transport) {
  const open = new Map();
  return async (req, res) => {
    let transport = open.get(req.headers["mcp-session-id"]);
    if (!transport) {
      transport = new Transport({
        sessionIdGenerator: randomUUID, enableJsonResponse: true,
        onsessioninitialized: (id) => void open.set(id, transport),
        onsessionclosed: (id) => void open.delete(id),
      });
      await server().connect(transport);
    }
    await transport.handleRequest(req, res);
  };
}

const handle = {
  sdk1: () => sessions(server1, StreamableHTTPServerTransport),
  sdk2: () => toNodeHandler(createMcpHandler(server2, { responseMode: "json" })),
  "sdk2-sessions": () => sessions(server2, NodeStreamableHTTPServerTransport),
}[mode]();

createServer(async (req, res) => {
  req.auth = shop.verify(req.headers.authorization?.replace(/^Bearer /i, ""));
  if (!req.auth) {
    res.writeHead(401, { "WWW-Authenticate": 'Bearer error="invalid_token"' }).end();
    return;
  }
  try {
    await handle(req, res);
  } catch (e) {
    console.error(e);
    if (!res.headersSent) res.writeHead(500).end();
  }
}).listen(Number(port), "127.0.0.1");
