// What the command wrote beside the page, fetched and checked.

import { short } from "./page.js";

/** What a column holds: numbers that stand for words have them in `levels`. */
export interface Field {
  kind: string;
  levels: string[];
}

/** What a number of a column stands for, in a few characters; nothing where there is no value. */
export function cell(scene: Scene, column: number, value: number): string {
  if (Number.isNaN(value)) return "";
  const field = scene.fields[column];
  switch (field?.kind) {
    case "categorical": return field.levels[value] ?? "(other)";
    case "boolean": return String(value >= 0.5);
    case "date": return moment(value).replace("T", " ");
    default: return short(value);
  }
}

/** Days since 1970 as a date and a time, to the minute. */
export function moment(days: number): string {
  const time = new Date(Math.round(days * 1440) * 60_000);
  return Number.isNaN(time.getTime()) ? "" : time.toISOString().slice(0, 16);
}

/** The file scene.json. */
export interface Scene {
  /** The names of the model's file and of the data. */
  model: string;
  data: string;
  /** A sentence on what the model is. */
  words: string;
  /** Rows here, and rows in the data. */
  rows: number;
  all: number;
  /** Numbers in a row, and in a code. */
  features: number;
  latent: number;
  /** Whether rows.bin holds bytes; else numbers of 32 bits. */
  bytes: boolean;
  /** Names of the columns, or what stands for them. */
  columns: string[];
  /** What the columns hold, where they are more than numbers; else empty. */
  fields: Field[];
  /** Whether a row is drawn as a curve, and of how many channels. */
  curve: boolean;
  channels: number;
  /** What is drawn black and white. */
  ends: number[];
  /** Names of the groups that labels make, and the group and the label of each row; none without labels. */
  groups: string[];
  group: number[] | null;
  labels: string[] | null;
  /** The name of each row, where it has one. */
  ids: string[] | null;
  /** The number of each row in the data. */
  numbers: number[];
  /** The mean squared error of each row. */
  errors: number[];
  /** Rows on the map of neighbours, and units with an input that excites them. */
  neighbours: number;
  exciting: number;
}

/** The map of neighbours: rows, and where they lie. */
export interface Neighbours {
  rows: Uint32Array;
  places: Float32Array;
}

/** Inputs that excite units, one after another, and the row nearest to each. */
export interface Exciting {
  inputs: Float32Array;
  rows: Uint32Array;
}

async function file(name: string): Promise<Response> {
  const answer = await fetch(name);
  if (!answer.ok) throw new Error(`${name} cannot be loaded: ${answer.status} ${answer.statusText}`);
  return answer;
}

/** The bytes of a file of a known length. */
export async function bytes(name: string, length: number | null): Promise<ArrayBuffer> {
  const buffer = await (await file(name)).arrayBuffer();
  if (length !== null && buffer.byteLength !== length) {
    throw new Error(`${name} has ${buffer.byteLength} bytes; wanted ${length}: write the folder anew with ae explore`);
  }
  return buffer;
}

export async function scene(): Promise<Scene> {
  return await (await file("scene.json")).json() as Scene;
}

/** The map of neighbours; none where it was not made. */
export async function neighbours(of: Scene): Promise<Neighbours | null> {
  if (of.neighbours === 0) return null;
  const buffer = await bytes("neighbours.bin", 12 * of.neighbours);
  return { rows: new Uint32Array(buffer, 0, of.neighbours), places: new Float32Array(buffer, 4 * of.neighbours) };
}

/** What excites units; none where it was not made. */
export async function exciting(of: Scene): Promise<Exciting | null> {
  if (of.exciting === 0) return null;
  const buffer = await bytes("exciting.bin", 4 * of.exciting * (of.features + 1));
  return { inputs: new Float32Array(buffer, 0, of.exciting * of.features), rows: new Uint32Array(buffer, 4 * of.exciting * of.features) };
}
