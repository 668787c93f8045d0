// What a frontend does with the generated client: create, read, change, page through, remove.
// node built/journey.js URL KEY; prints one line of JSON, or throws.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/api.js";

type Card = components["schemas"]["ItemCard"];

const [url, key] = process.argv.slice(2);
assert(url && key, "URL and KEY are missing");
const api = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${key}` } });

/** The body of an answer that went well; an error is told by its problem's own words. */
function good<T>(answer: { data?: T; error?: components["schemas"]["ErrorBody"] | undefined; response: Response }): T {
  if (answer.error !== undefined) {
    throw new Error(`${answer.response.status} ${answer.error.title}: ${answer.error.detail}`);
  }
  assert(answer.data !== undefined);
  return answer.data;
}

function etagOf(response: Response): string {
  const etag = response.headers.get("ETag");
  assert(etag, "no ETag");
  return etag;
}

async function create(): Promise<Card> {
  good(await api.POST("/api/v1/problems/", { body: { key: "lost-baskets", title: "Baskets are lost" } }));
  good(await api.POST("/api/v1/metrics/", { body: { key: "checkout.conversion", unit: "%" } }));
  const body = {
    key: "saved-carts",
    title: "Saved carts",
    reach: 1000,
    impact: 2 as const,
    links: [{ problem: "lost-baskets", weight: 1 }],
    outcomes: [{ metric: "checkout.conversion", baseline: 2.1, target: 2.6 }],
  };
  const once = { header: { "Idempotency-Key": "saved-carts-once" } };
  const first = good(await api.POST("/api/v1/items/", { body, params: once }));
  const again = good(await api.POST("/api/v1/items/", { body, params: once }));
  assert.equal(again.id, first.id);
  assert.equal(first.problems[0]?.key, "lost-baskets");
  assert.equal(first.outcomes[0]?.target, 2.6);
  return first;
}

async function change(card: Card): Promise<number> {
  const path = { id: card.key };
  const read = await api.GET("/api/v1/items/{id}/", { params: { path } });
  const etag = etagOf(read.response);
  const edit = (title: string) =>
    api.PATCH("/api/v1/items/{id}/", { params: { path, header: { "If-Match": etag } }, body: { title } });
  assert.equal(good(await edit("Saved baskets")).title, "Saved baskets");
  const stale = await edit("Too late");
  assert.equal(stale.response.status, 412);
  assert.equal(stale.error?.type, "urn:productops:problem:stale_edit");
  const unchanged = await api.GET("/api/v1/items/{id}/", {
    params: { path, header: { "If-None-Match": etag } },
  });
  assert.equal(unchanged.response.status, 200);
  return good(unchanged).version;
}

async function fill(count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, index) => ({ title: `Item ${index}`, reach: index }));
  const answer = good(await api.POST("/api/v1/items/bulk/", { body: { rows } }));
  assert.equal(answer.created, count);
}

/** Every row of the list, by the `next` links alone. */
async function pages(): Promise<{ keys: string[]; pages: number }> {
  const keys: string[] = [];
  let cursor: string | undefined;
  let read = 0;
  for (;;) {
    const query = { page_size: 7, ordering: "-reach", ...(cursor === undefined ? {} : { cursor }) };
    const page = good(await api.GET("/api/v1/items/", { params: { query } }));
    read += 1;
    keys.push(...page.results.map((row) => row.key));
    if (page.next === null) return { keys, pages: read };
    cursor = new URL(page.next).searchParams.get("cursor") ?? undefined;
  }
}

async function refused(): Promise<string[]> {
  const misspelt: { title: string } & Record<string, string> = { title: "x", statuss: "idea" };
  const answer = await api.POST("/api/v1/items/", { body: misspelt });
  assert.equal(answer.response.status, 400);
  return (answer.error?.errors ?? []).map((error) => error.pointer);
}

async function remove(card: Card): Promise<number> {
  const path = { id: String(card.id) };
  const etag = etagOf((await api.GET("/api/v1/items/{id}/", { params: { path } })).response);
  const gone = await api.DELETE("/api/v1/items/{id}/", { params: { path, header: { "If-Match": etag } } });
  assert.equal(gone.response.status, 204);
  const listed = good(await api.GET("/api/v1/items/", { params: { query: { key: card.key } } }));
  return listed.results.length;
}

const card = await create();
const version = await change(card);
await fill(20);
const walked = await pages();
const file = await api.GET("/api/v1/items.csv", { params: { query: { fields: "key,title" } }, parseAs: "text" });
console.log(
  JSON.stringify({
    key: card.key,
    version,
    pages: walked.pages,
    rows: walked.keys.length,
    distinct: new Set(walked.keys).size,
    csv: good(file).trim().split("\n").length,
    refused: await refused(),
    left: await remove(card),
  }),
);
