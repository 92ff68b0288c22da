// The package as users get it: packed into a tarball and installed from that.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { PACKAGE } from "./server.js";

// Installs the package into an empty folder, with npm and without a network. Returns where it is.
export function installPacked(dir) {
  const npm = (args, cwd) => execFileSync("npm", args, { cwd, encoding: "utf8", stdio: "pipe" }).trim();
  const tarball = npm(["pack", "--silent", "--pack-destination", dir], PACKAGE);
  writeFileSync(join(dir, "package.json"), '{ "private": true, "type": "module" }');
  npm(["install", "--silent", "--offline", "--no-audit", "--no-fund", `./${tarball}`], dir);
  return join(dir, "node_modules/herenow");
}
