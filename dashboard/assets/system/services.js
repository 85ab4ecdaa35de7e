// @ts-check
/* What runs: broker, database, services, workers, runs, jobs, and dead letters. */
import { known } from "../kit/core_messages.js";
import { make } from "../kit/dom.js";
import { NONE, dateTime, fileSize, hundredths, number, tenths } from "../kit/format.js";
import { _, n_ } from "../kit/language.js";
import { runHref, sourceLink } from "../kit/links.js";
import { runStateText, stateBadge } from "../kit/live_states.js";
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
  running: ["good", _("Running")],
  standby: ["idle", _("Standby")],
  trouble: ["bad", _("Has a problem")],
  gone: ["bad", _("Gone")],
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
      [_("Broker"), brokerState(broker)],
      broker.text ? ["", known(broker.text)] : null,
      broker.used_memory ? [_("Broker memory"), memoryText(broker)] : null,
      [
        _("Database"),
        database.ok
          ? stateBadge("good", _("Schema {schema}", { schema: database.schema }))
          : stateBadge("bad", _("Cannot be used")),
      ],
      database.text ? ["", known(database.text)] : null,
      [_("Waiting frames"), number(waiting)],
    ),
    services.length + gone.length
      ? serviceTable(services, gone)
      : note(_("No ingest, scheduler or dashboard reports to the broker.")),
    workers.length
      ? workerTable(workers)
      : note(_("No worker runs. `moodline up` starts workers, `moodline worker` runs one.")),
    refusalNotes(workers),
    runs.length ? runTable(runs) : null,
  ];
}

/** @param {Job[]} jobs */
export const jobsContent = (jobs) =>
  table(
    _("Jobs, table"),
    [_("Job"), _("When"), _("Next"), _("Last"), _("Took"), _("Result")],
    jobs.map((job) => [
      job.job,
      known(job.when),
      dateTime(job.next),
      dateTime(job.last),
      job.took_s === null ? NONE : _("{seconds} s", { seconds: number(job.took_s) }),
      job.error ? stateBadge("bad", known(job.error)) : known(job.result) || NONE,
    ]),
  );

/** @param {DeadLetter[]} letters */
export function deadLettersContent(letters) {
  if (!letters.length) return make("p", { text: _("No dead letters.") });
  const count = letters.length;
  return [
    make("p", {
      text:
        count === MAX_DEAD_LETTERS
          ? _(
              "The newest {count} frames that no worker could analyse. Their runs continued " +
                "without them.",
              { count },
            )
          : n_(
              "{count} frame that no worker could analyse. Its run continued without it.",
              "{count} frames that no worker could analyse. Their runs continued without them.",
              count,
            ),
    }),
    table(
      _("Dead letters, table"),
      [_("Run"), _("Source"), _("Frame"), _("Time"), _("Reason")],
      letters.map((letter) => [
        runLink(letter.run_id),
        sourceLink(letter.source),
        number(letter.frame_index),
        dateTime(letter.at),
        known(letter.reason),
      ]),
    ),
  ];
}

/** @param {Broker} broker */
function brokerState({ ok, url, server, version }) {
  if (!ok) return stateBadge("bad", _("Cannot be reached"));
  return url ? stateBadge("good", `${server} ${version}`) : stateBadge("idle", _("Not running"));
}

/** @param {Broker} broker */
const memoryText = ({ used_memory: used, max_memory: limit }) =>
  limit ? _("{size} of {size2}", { size: fileSize(used), size2: fileSize(limit) }) : fileSize(used);

/**
 * The services, then the processes that died within a day, workers among them.
 * @param {Service[]} services
 * @param {GoneService[]} gone
 */
const serviceTable = (services, gone) =>
  table(
    _("Ingest, scheduler, dashboard, table"),
    [_("Service"), _("Host"), _("State"), _("Since")],
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
        serviceState({ state: "gone", reason: _("process {pid}", { pid }) }),
        dateTime(at),
      ]),
    ],
  );

/** @param {{ state: string, reason: string }} service */
function serviceState({ state, reason }) {
  const [kind, text] = SERVICE_STATES[state] ?? ["warn", state];
  const why = reason ? make("span", { class: "soft", text: ` ${known(reason)}` }) : null;
  return make("span", {}, stateBadge(kind, text), why);
}

/** @param {Worker[]} workers */
const workerTable = (workers) =>
  table(
    _("Workers, table"),
    [
      _("Worker"),
      _("Host"),
      _("Device"),
      _("Model"),
      _("Frames/s"),
      _("Waiting frames"),
      _("Latency p95"),
    ],
    workers.map((worker) => [
      worker.id,
      worker.host,
      worker.device,
      worker.model,
      tenths(worker.fps),
      number(worker.lag),
      worker.latency_p95_s === null
        ? NONE
        : _("{seconds} s", { seconds: hundredths(worker.latency_p95_s) }),
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
    const text = _("Cannot be analysed on {hosts}", { hosts: [...names].join(", ") });
    return make("p", { class: "help" }, stateBadge("warn", text), ` ${known(reason)}`);
  });
  return make("div", {}, ...notes);
}

/** @param {UnfinishedRun[]} runs */
const runTable = (runs) =>
  table(
    _("Unfinished runs, table"),
    [_("Run"), _("Source"), _("State"), _("Analysed"), _("Waiting")],
    runs.map((run) => [
      runLink(run.run_id),
      sourceLink(run.source),
      runStateText(run.state),
      number(run.frames_analyzed),
      number(run.lag),
    ]),
  );

/** @param {string} text */
const note = (text) => make("p", { class: "soft", text });

/** @param {string} run */
const runLink = (run) => make("a", { class: "name-link", href: runHref(run), text: run });
