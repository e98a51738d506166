"use strict";
// Loaded into Azurite before it starts (`node --require`), so that what it has answered survives `kill -9`.
//
// Azurite writes a blob's bytes to its file, and syncs it, before it answers. What it knows of the blob is in LokiJS,
// which saves its whole database every five seconds: a killed Azurite forgets what came since. Here every change of a
// document is first written to a journal beside the database; the next start applies the journal to the saved database.
// A save begins a new part of the journal and deletes the parts before it. A write reaches the kernel, not the disk:
// this is for killed processes, not for power cuts.

const fs = require("fs");
const path = require("path");
const { createRequire } = require("module");

const Loki = createRequire(fs.realpathSync(process.argv[1]))("lokijs");
const BLOCKS = "committedBlocksInOrder";

class Journal {
  // Numbered parts `DATABASE.journal.N`; the highest is written to.
  constructor(database) {
    this.database = database;
    this.part = Math.max(0, ...numbers(database));
    this.blocks = new Map(); // By document: the list of blocks that was written, and how much of it.
    this.open();
  }

  open() {
    if (this.file !== undefined) fs.closeSync(this.file);
    this.part += 1;
    this.file = fs.openSync(partPath(this.database, this.part), "a", 0o600);
    this.blocks.clear(); // A part never needs what another part says.
  }

  write(entry) {
    const line = Buffer.from(JSON.stringify(entry) + "\n");
    for (let done = 0; done < line.length; ) done += fs.writeSync(this.file, line, done);
  }

  put(collection, doc) {
    const key = `${collection}/${doc.$loki}`;
    const list = doc[BLOCKS];
    const before = this.blocks.get(key);
    // An append blob only gains blocks, up to 50,000: its whole list each time would be gigabytes.
    if (Array.isArray(list) && before && before.list === list && before.length <= list.length) {
      const rest = { ...doc, [BLOCKS]: undefined };
      this.write(["append", collection, rest, before.length, list.slice(before.length)]);
    } else {
      this.write(["put", collection, doc]);
    }
    if (Array.isArray(list) && doc.properties && doc.properties.blobType === "AppendBlob")
      this.blocks.set(key, { list, length: list.length });
    else this.blocks.delete(key);
  }

  remove(collection, id) {
    this.blocks.delete(`${collection}/${id}`);
    this.write(["remove", collection, id]);
  }

  forget(last) {
    for (const number of numbers(this.database)) if (number <= last) fs.unlinkSync(partPath(this.database, number));
  }
}

function partPath(database, number) {
  return `${database}.journal.${number}`;
}

function numbers(database) {
  const start = `${path.basename(database)}.journal.`;
  const folder = path.dirname(database);
  const names = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  const parts = names.filter((name) => name.startsWith(start)).map((name) => Number(name.slice(start.length)));
  return parts.sort((a, b) => a - b);
}

function entries(file) {
  const lines = fs.readFileSync(file, "utf8").split("\n");
  lines.pop(); // What follows the last end of line was cut off by the kill, so nobody was answered for it.
  return lines.map((line) => JSON.parse(line));
}

function recover(database) {
  const parts = numbers(database);
  if (!fs.existsSync(database) || parts.length === 0) return;
  const saved = JSON.parse(fs.readFileSync(database, "utf8"));
  const collections = new Map(
    saved.collections.map((each) => [each.name, { each, docs: new Map(each.data.map((doc) => [doc.$loki, doc])) }])
  );
  for (const part of parts) for (const entry of entries(partPath(database, part))) apply(collections, entry);
  for (const { each, docs } of collections.values()) {
    each.data = [...docs.values()].sort((a, b) => a.$loki - b.$loki);
    each.idIndex = each.data.map((doc) => doc.$loki);
  }
  const fresh = `${database}.recovered`;
  fs.writeFileSync(fresh, JSON.stringify(saved));
  fs.renameSync(fresh, database);
  for (const part of parts) fs.unlinkSync(partPath(database, part));
}

// A part may be applied again to a database that has it already: each entry says what is, and the last one counts.
function apply(collections, [kind, name, what, kept, tail]) {
  const { each, docs } = collections.get(name);
  if (kind === "remove") {
    docs.delete(what);
    return;
  }
  each.maxId = Math.max(each.maxId, what.$loki);
  if (kind === "put") {
    docs.set(what.$loki, what);
    return;
  }
  const before = docs.get(what.$loki);
  if (before) docs.set(what.$loki, { ...what, [BLOCKS]: [...before[BLOCKS].slice(0, kept), ...tail] });
}

const { loadDatabase, saveDatabaseInternal, addCollection } = Loki.prototype;
const journals = new Map();

function journalOf(db) {
  if (db.persistenceMethod !== "fs") return undefined;
  if (!journals.has(db)) journals.set(db, new Journal(db.filename));
  return journals.get(db);
}

Loki.prototype.loadDatabase = function (options, callback) {
  recover(this.filename);
  return loadDatabase.call(this, options, (error) => {
    if (!error) for (const each of this.collections) each.ensureAllIndexes(true); // Those saved are of before.
    if (callback) callback(error);
  });
};

Loki.prototype.saveDatabaseInternal = function (callback) {
  const journal = journalOf(this);
  if (journal === undefined) return saveDatabaseInternal.call(this, callback);
  const last = journal.part;
  journal.open(); // In the same turn as the database is made into text: what it has is in the parts up to *last*.
  return saveDatabaseInternal.call(this, (error) => {
    if (!error) journal.forget(last);
    if (callback) callback(error);
    else if (error) throw error;
  });
};

Loki.prototype.addCollection = function (name, options) {
  const collection = addCollection.call(this, name, options);
  const db = this;
  if (!collection.isJournaled) {
    Object.defineProperty(collection, "isJournaled", { value: true });
    collection.on("insert", (docs) => [docs].flat().forEach((doc) => journalOf(db).put(name, doc)));
    collection.on("update", (doc) => journalOf(db).put(name, doc));
    collection.on("delete", (doc) => journalOf(db).remove(name, doc.$loki));
  }
  return collection;
};
