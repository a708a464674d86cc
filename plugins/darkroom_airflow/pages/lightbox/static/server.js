// What the page asks of its server, and what it says when that says no.

const part = encodeURIComponent;

export const seen = () => json("seen");
export const styles = () => json("styles");
export const style = (name) => json(`styles/${part(name)}`);
export const pyramids = (prefix, after) => json(`pyramids?${new URLSearchParams({ prefix, after })}`);
export const nights = () => json("nights");
export const night = ({ run, plan, job, first }) =>
  json(`nights/${part(run)}/${part(plan)}?${new URLSearchParams({ job: job || 1, first })}`);
export const versions = (name, picture) => json(`styles/${part(name)}/pictures/${part(picture)}/versions`);

export function pictures({ style: name, length, side, colour, codes, first }) {
  const query = new URLSearchParams({ length, side, colour, first });
  for (const code of codes) query.append("code", code);
  return json(`styles/${part(name)}/pictures?${query}`);
}

/** The address of a cut of a composite: as it stands, or (`of`) an earlier version of it. */
export function pictureAddress(name, picture, cut, { v = "", of = "" } = {}) {
  const query = new URLSearchParams(of ? { of } : v ? { v } : {});
  return `styles/${part(name)}/pictures/${part(picture)}/${part(cut)}?${query}`;
}

export const imageAddress = (id) => `iiif/${part(id)}`;
export const scanAddress = ({ run, plan, job }, number) => `nights/${part(run)}/${part(plan)}/scans/${job || 1}/${number}`;

export const json = async (address) => (await ask(address)).json();

/** An image as a bitmap. Throws an error whose message is a sentence. */
export const bitmap = async (address) => createImageBitmap(await (await ask(address)).blob());

/** An image as a blob, with the answer's headers. */
export async function blob(address) {
  const answer = await ask(address);
  return { blob: await answer.blob(), headers: answer.headers };
}

/** An answer. Throws an error whose message is a sentence for a person. */
export async function ask(address) {
  let answer;
  try {
    answer = await fetch(address);
  } catch {
    throw new Error("Airflow does not answer; look at the connection, and try again.");
  }
  if (answer.ok) return answer;
  if (answer.status === 401) throw new Error("The login has ended; load the page again.");
  if (answer.status === 403) throw new Error("Airflow does not let this login see that; ask who runs it.");
  const said = await answer.json().catch(() => ({}));
  throw new Error(typeof said.detail === "string" ? said.detail : `Airflow answered ${answer.status}; try again.`);
}
