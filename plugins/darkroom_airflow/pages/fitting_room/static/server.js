// What the page asks of its server, and what it says when that says no.

const asSegments = (path) => path.split("/").map(encodeURIComponent).join("/");
const ofStyle = (style) => `styles/${encodeURIComponent(style)}`;

/** The names of the studio's styles. */
export const styles = () => json("styles");

/** A style's catalogue, by key each proxy's version, and the version of all that (`version`). */
export async function catalogueOf(style) {
  const answer = await ask(ofStyle(style));
  return { ...(await answer.json()), version: answer.headers.get("ETag") };
}

/** The version that they have now. */
export const versionOf = async (style) => (await ask(ofStyle(style))).headers.get("ETag");

/** A style's flags, and whether this user may flag. */
export const flagsOf = (style) => json(`${ofStyle(style)}/flags`);

/** What the checks of a style's renders found. */
export const checksOf = (style) => json(`${ofStyle(style)}/checks`);

/** Flag a picture, by its name. */
export const flag = (style, picture, note) => json(`${ofStyle(style)}/flags`, { picture, note });

/** Clear a flag. */
export const clear = (style, id) => json(`${ofStyle(style)}/flags/${encodeURIComponent(id)}/clear`, {});

/**
 * Files of proxies, by `{key, version}`: promises of blobs, in the same order. Several come in one answer, as each
 * request is checked for login and rights.
 */
export function files(style, wanted, priority) {
  if (wanted.length === 1) return [file(style, wanted[0], priority)];
  const query = new URLSearchParams(wanted.map(({ key, version }) => ["want", `${version}/${key}`]));
  const bundle = ask(`${ofStyle(style)}/proxies?${query}`, { priority }).then(unpacked);
  return wanted.map(async (_, at) => {
    const { blob, trouble } = (await bundle)[at];
    if (trouble) throw new Error(trouble);
    return blob;
  });
}

async function file(style, { key, version }, priority) {
  const answer = await ask(`${ofStyle(style)}/proxies/${asSegments(key)}?v=${encodeURIComponent(version)}`, { priority });
  return answer.blob();
}

/** A bundle: a line of JSON, `[{bytes} or {trouble}]`, and the files one after the other. */
async function unpacked(answer) {
  const data = new Uint8Array(await answer.arrayBuffer());
  const line = data.indexOf(0x0a);
  let at = line + 1;
  return JSON.parse(new TextDecoder().decode(data.subarray(0, line))).map(({ bytes = 0, trouble }) => {
    at += bytes;
    return { trouble, blob: new Blob([data.subarray(at - bytes, at)], { type: "image/png" }) };
  });
}

async function json(address, sent) {
  const how = sent && {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Darkroom-Page": "fitting-room" },
    body: JSON.stringify(sent),
  };
  return (await ask(address, how)).json();
}

/** An answer. Throws an error whose message is a sentence for a person. */
async function ask(address, how) {
  let answer;
  try {
    answer = await fetch(address, how);
  } catch {
    throw new Error("Airflow does not answer; look at the connection, and try again.");
  }
  if (answer.ok) return answer;
  if (answer.status === 401) throw new Error("The login has ended; load the page again.");
  const said = await answer.json().catch(() => ({}));
  const sentence = typeof said.detail === "string" ? said.detail : `Airflow answered ${answer.status}; try again.`;
  throw new Error(answer.status === 403 ? "Airflow does not let this login do that; ask who runs it." : sentence);
}
