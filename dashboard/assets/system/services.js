// @ts-check
/* What runs: broker, database, services, workers, runs, jobs, and dead letters. */
import { make } from "../kit/dom.js";
import { NONE, counted, dateTime, fileSize, number } from "../kit/format.js";
import { stateBadge } from "../kit/live_states.js";
import { facts, table } from "../kit/tables.js";

/**
 * @typedef {object} Broker
 * @property {boolean} ok
 * @property {string} url "" if none runs.
 * @property {string} server
 * @property {string} version
 * @property {string} text
 * @property {number | null} used_memory
 * @property {number | null} max_memory
 */
/** @typedef {{ ok: boolean, schema: string, text: string }} Database */
/** @typedef {{ service: string, host: string, state: string, since: string, reason: string }} Service */
/** @typedef {{ service: string, host: string, pid: number, seen_at: number }} GoneService */
/**
 * @typedef {{ id: string, host: string, device: string, model: string, fps: number, lag: number,
 *   latency_p95_s: number | null, refusals: string[] }} Worker
 */
/**
 * @typedef {{ run_id: string, source: string, state: string, frames_analyzed: number,
 *   lag: number }} UnfinishedRun
 */
/**
 * @typedef {{ job: string, when: string, next: number | null, last: number | null,
 *   took_s: number | null, error: string, result: string }} Job
 */
/**
 * @typedef {{ run_id: string, source: string, frame_index: number, at: number,
 *   reason: string }} DeadLetter
 */

/** @type {Record<string, [kind: string, text: string]>} */
const SERVICE_STATES = {
  running: ["good", "Running"],
  standby: ["idle", "Standby"],
  trouble: ["bad", "Has a problem"],
  gone: ["bad", "Gone"],
};
/** The server lists at most this many. */
const MAX_DEAD_LETTERS = 100;

/**
 * @param {{ broker: Broker, database: Database, workers: Worker[], runs: UnfinishedRun[],
 *   services: Service[], gone: GoneService[] }} status
 */
export function servicesContent({ broker, database, workers, runs, services, gone }) {
  const waiting = runs.reduce((sum, { lag }) => sum + lag, 0);
  return [
    facts(
      ["Broker", brokerState(broker)],
      broker.text ? ["", broker.text] : null,
      broker.used_memory ? ["Broker memory", memoryText(broker)] : null,
      [
        "Database",
        database.ok
          ? stateBadge("good", `Schema ${database.schema}`)
          : stateBadge("bad", "Cannot be used"),
      ],
      database.text ? ["", database.text] : null,
      ["Waiting frames", number(waiting)],
    ),
    services.length + gone.length
      ? serviceTable(services, gone)
      : note("No ingest, scheduler or dashboard reports to the broker."),
    workers.length
      ? workerTable(workers)
      : note("No worker runs. `moodline up` starts workers, `moodline worker` runs one."),
    refusalNotes(workers),
    runs.length ? runTable(runs) : null,
  ];
}

/** @param {Job[]} jobs */
export const jobsContent = (jobs) =>
  table(
    "Jobs, table",
    ["Job", "When", "Next", "Last", "Took", "Result"],
    jobs.map((job) => [
      job.job,
      job.when,
      dateTime(job.next),
      dateTime(job.last),
      job.took_s === null ? NONE : `${job.took_s} s`,
      job.error ? stateBadge("bad", job.error) : job.result || NONE,
    ]),
  );

/** @param {DeadLetter[]} letters */
export function deadLettersContent(letters) {
  if (!letters.length) return make("p", { text: "No dead letters." });
  const count =
    letters.length === MAX_DEAD_LETTERS
      ? `The newest ${MAX_DEAD_LETTERS} frames`
      : counted(letters.length, "frame");
  return [
    make("p", {
      text: `${count} that no worker could analyse. Their runs continued without them.`,
    }),
    table(
      "Dead letters, table",
      ["Run", "Source", "Frame", "Time", "Reason"],
      letters.map((letter) => [
        letter.run_id,
        letter.source,
        number(letter.frame_index),
        dateTime(letter.at),
        letter.reason,
      ]),
    ),
  ];
}

/** @param {Broker} broker */
function brokerState({ ok, url, server, version }) {
  if (!ok) return stateBadge("bad", "Cannot be reached");
  return url ? stateBadge("good", `${server} ${version}`) : stateBadge("idle", "Not running");
}

/** @param {Broker} broker */
const memoryText = ({ used_memory: used, max_memory: limit }) =>
  limit ? `${fileSize(used)} of ${fileSize(limit)}` : fileSize(used);

/**
 * The services, then the processes that died within a day, workers among them.
 * @param {Service[]} services
 * @param {GoneService[]} gone
 */
const serviceTable = (services, gone) =>
  table(
    "Ingest, scheduler, dashboard, table",
    ["Service", "Host", "State", "Since"],
    [
      ...services.map((service) => [
        service.service,
        service.host,
        serviceState(service),
        dateTime(Date.parse(service.since) / 1000),
      ]),
      ...gone.map(({ service, host, pid, seen_at: at }) => [
        service,
        host,
        serviceState({ state: "gone", reason: `process ${pid}` }),
        dateTime(at),
      ]),
    ],
  );

/** @param {{ state: string, reason: string }} service */
function serviceState({ state, reason }) {
  const [kind, text] = SERVICE_STATES[state] ?? ["warn", state];
  const why = reason ? make("span", { class: "soft", text: ` ${reason}` }) : null;
  return make("span", {}, stateBadge(kind, text), why);
}

/** @param {Worker[]} workers */
const workerTable = (workers) =>
  table(
    "Workers, table",
    ["Worker", "Host", "Device", "Model", "Frames/s", "Waiting frames", "Latency p95"],
    workers.map((worker) => [
      worker.id,
      worker.host,
      worker.device,
      worker.model,
      worker.fps.toFixed(1),
      number(worker.lag),
      worker.latency_p95_s === null ? NONE : `${worker.latency_p95_s.toFixed(2)} s`,
    ]),
  );

/**
 * Why some runs are not analysed, and on which hosts; another host may be able to.
 * @param {Worker[]} workers
 */
function refusalNotes(workers) {
  /** @type {Map<string, Set<string>>} */
  const hosts = new Map();
  for (const { host, refusals } of workers) {
    for (const reason of refusals) hosts.set(reason, (hosts.get(reason) ?? new Set()).add(host));
  }
  if (!hosts.size) return null;
  const notes = [...hosts].map(([reason, names]) => {
    const text = `Cannot be analysed on ${[...names].join(", ")}`;
    return make("p", { class: "help" }, stateBadge("warn", text), ` ${reason}`);
  });
  return make("div", {}, ...notes);
}

/** @param {UnfinishedRun[]} runs */
const runTable = (runs) =>
  table(
    "Unfinished runs, table",
    ["Run", "Source", "State", "Analysed", "Waiting"],
    runs.map((run) => [
      run.run_id,
      run.source,
      run.state,
      number(run.frames_analyzed),
      number(run.lag),
    ]),
  );

/** @param {string} text */
const note = (text) => make("p", { class: "soft", text });
