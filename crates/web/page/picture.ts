// A row as a picture: an image, or a curve.

import { colour, fitted, paint, short } from "./page.js";
import type { Session } from "./session.js";

/** Pixels as numbers of 32 bits, as the memory of an image has them. */
export function inks(pixels: Uint8Array): Uint32Array {
  return new Uint32Array(pixels.slice().buffer);
}

/** Draws a row on a small canvas: an image as it is, anything else as a curve. */
export function drawRow(session: Session, canvas: HTMLCanvasElement, row: Float32Array): void {
  const { facts, explorer } = session;
  if (facts.channels > 0) paint(canvas, explorer.paintRow(row), facts.width, facts.height);
  else spark(canvas, row, session.scene.channels);
}

/** The smallest and the largest of some numbers, apart even where all are one. */
export function extent(lists: readonly ArrayLike<number>[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const list of lists) {
    for (let at = 0; at < list.length; at++) {
      const value = list[at] as number;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return high > low ? [low, high] : Number.isFinite(low) ? [low - 0.5, low + 0.5] : [0, 1];
}

/** A small curve without words. */
function spark(canvas: HTMLCanvasElement, row: Float32Array, channels: number): void {
  const [width, height] = [128, 64];
  [canvas.width, canvas.height] = [width, height];
  canvas.parentElement?.classList.add("chart");
  const pen = canvas.getContext("2d");
  if (!pen) return;
  const [low, high] = extent([row]);
  pen.strokeStyle = colour("--blue");
  pen.lineWidth = 1.5;
  const points = row.length / channels;
  for (let channel = 0; channel < channels; channel++) {
    pen.beginPath();
    for (let at = 0; at < points; at++) {
      pen.lineTo(2 + (width - 4) * at / Math.max(1, points - 1), 2 + (height - 4) * (high - (row[at * channels + channel] as number)) / (high - low));
    }
    pen.stroke();
  }
}

/** A curve among others on one pair of axes. */
export interface Curve {
  values: Float32Array;
  ink: string;
  name: string;
}

/** Where the axes of a chart of curves are, so that the pointer finds its way back to numbers. */
export interface Axes {
  left: number;
  right: number;
  top: number;
  bottom: number;
  low: number;
  high: number;
}

/** Draws curves over each other, each channel in a lane of its own; tells where the axes are. */
export function drawCurves(canvas: HTMLCanvasElement, curves: readonly Curve[], channels: number): Axes {
  const { pen, width, height } = fitted(canvas);
  const [low, high] = extent(curves.map(curve => curve.values));
  const axes = { left: 52, right: width - 8, top: 22, bottom: height - 22, low, high };
  pen.font = "12px system-ui, sans-serif";
  pen.fillStyle = colour("--faint");
  pen.textAlign = "right";
  pen.fillText(short(high), axes.left - 6, axes.top + 8);
  pen.fillText(short(low), axes.left - 6, axes.bottom);
  const points = (curves[0]?.values.length ?? 0) / channels;
  pen.textAlign = "left";
  pen.fillText("point 0", axes.left, height - 6);
  pen.textAlign = "right";
  pen.fillText(String(points - 1), axes.right, height - 6);
  pen.strokeStyle = colour("--line");
  pen.strokeRect(axes.left, axes.top, axes.right - axes.left, axes.bottom - axes.top);
  const lane = (axes.bottom - axes.top) / channels;
  let word = axes.left;
  pen.textAlign = "left";
  for (const { values, ink, name } of curves) {
    pen.strokeStyle = pen.fillStyle = ink;
    pen.lineWidth = 1.6;
    pen.fillText(name, word, 14);
    word += pen.measureText(name).width + 18;
    for (let channel = 0; channel < channels; channel++) {
      pen.beginPath();
      for (let at = 0; at < points; at++) {
        const share = (high - (values[at * channels + channel] as number)) / (high - low);
        pen.lineTo(axes.left + (axes.right - axes.left) * at / Math.max(1, points - 1), axes.top + lane * (channel + share));
      }
      pen.stroke();
    }
  }
  return axes;
}
