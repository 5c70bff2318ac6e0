# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the command line and the configuration are told, and what they answer: words_test.py
PROGRAM [LAUNCHER…]."""

import array
import json
import unittest

from train_test import InAFolder

SMALL = ("--set", "training.steps=1", "--set", "curvature.enabled=false", "--set",
         "training.evaluate_every=0")


class Words(InAFolder):
    def test_the_nearest_word(self):
        for words, nearest in [(["trian"], "train"), (["curvatur", "run"], "curvature"),
                               (["sample", "text.txt", "--lenght", "3"], "--length"),
                               (["sample", "text.txt", "--lenght=3"], "--length"),
                               (["train", "run.toml", "--resum"], "--resume"),
                               (["bench", "--suit", "smoke"], "--suite")]:
            self.assertIn(f"did you mean '{nearest}'?", self.run_program(*words, status=2))
        self.assertNotIn("did you mean", self.run_program("xylophone", status=2))

    def test_paths_of_a_shell(self):
        home = self.folder / "home"
        home.mkdir()
        (home / "text.txt").write_bytes((self.folder / "text.txt").read_bytes())
        (home / "run.toml").write_bytes((self.folder / "run.toml").read_bytes())
        here = {"HOME": str(home), "MY_RUNS": str(self.folder / "runs")}
        self.run_program("train", "~/run.toml", *SMALL, "--set", "data.train=~/text.txt", "--set",
                         "output.directory=${MY_RUNS}/a", **here)
        self.run_program("train", "$HOME/run.toml", *SMALL, "--set", "data.train=$HOME/text.txt",
                         "--set", "output.directory=$MY_RUNS/b", **here)
        for name in "ab":
            self.assertTrue((self.folder / "runs" / name / "metrics.jsonl").exists())
        self.assertIn(str(home), (self.folder / "runs/a/config.toml").read_text())
        self.run_program("info", "$MY_RUNS/a", **here)
        self.run_program("curvature", "$MY_RUNS/a", "--top", "1", "--smallest", "0", "--max-hvps",
                         "3", "--out", "$MY_RUNS/c.h5", "--data", "~/text.txt", **here)
        self.assertTrue((self.folder / "runs/c.h5").exists())

    def test_variables_that_are_not_set(self):
        for key in ("data.train", "data.validation", "training.start", "output.directory"):
            said = self.train("--set", f"{key}=$NOT_SET_HERE/x", status=1)
            self.assertIn("NOT_SET_HERE", said)
            self.assertIn(key, said)
        self.assertIn("NOT_SET_HERE", self.run_program("info", "$NOT_SET_HERE/x", status=2))

    def test_a_name_with_a_dollar(self):
        (self.folder / "$x.txt").write_bytes((self.folder / "text.txt").read_bytes())
        self.train(*SMALL, "--set", "data.train=$x.txt")

    def test_time_limits(self):
        for text, said in [("1-00:00:30", "24:00:"), ("1:00:00", "59:5|1:00:00"),
                           ("2:00", "1:5|2:00"), ("7200", "1:59:5|2:00:00"),
                           ("12:30:00", "12:29:5|12:30:00")]:
            log = self.train(*SMALL, "--set", f"stop.time_limit={text}", "--set",
                             f"output.directory=limit-{text}", "--set", "stop.time_reserve=0")
            self.assertRegex(log, f"for the limit in ({said})")
        log = self.train(*SMALL, "--set", "stop.time_limit=UNLIMITED")
        self.assertNotIn("limit", log)
        for text in ("soon", "1:2:3:4", "-5", "1-", ":"):
            self.assertIn("HH:MM:SS", self.train(*SMALL, "--set", f"stop.time_limit={text}", "--set",
                                                 "output.directory=no", status=1))
        self.run_program("train", "run.toml", *SMALL, "--set", "output.directory=endless",
                         SLURM_JOB_END_TIME="UNLIMITED")

    def test_sizes_beyond_the_machine(self):
        for key, value in [("training.batch", 4611686018427387904), ("training.batch", 10**9),
                           ("training.batch", 10**12), ("training.micro_batch", 2**62),
                           ("curvature.probe_sequences", 2**62),
                           ("curvature.probe_sequences", 10**10), ("model.width", 2 * 10**7),
                           ("model.vocabulary", 2 * 10**9)]:
            said = self.train("--set", f"{key}={value}", "--set", "curvature.probe=fixed", status=1)
            self.assertRegex(said, r"\d [TGPEkM]?B|more .* than any machine|must divide|head_size = ", key)
            self.assertNotIn("bad_alloc", said)
        said = self.train("--set", "training.length=4611686018427387904", "--set",
                          "model.positions=none", status=1)
        self.assertIn("TB of memory", said)

    def test_sizes_beyond_the_machine_in_curvature(self):
        self.train(*SMALL)
        for words in (["--sequences", "4611686018427387904"], ["--sequences", "1000000000"]):
            said = self.run_program("curvature", "run", *words, status=1)
            self.assertNotIn("bad_alloc", said)
            self.assertRegex(said, r"\d [TGPEkM]?B|more values")


class Answers(InAFolder):
    def setUp(self):
        super().setUp()
        self.train(*SMALL)

    def test_sample(self):
        for words, status, said in [
                (["--prompt", ""], 2, "is empty"), (["--length", "-1"], 2, "at least 0"),
                (["--top-k", "257"], 1, "256 tokens"), (["--tokens", "5,256"], 1, "0 to 255"),
                (["--tokens", "5", "--prompt", "x"], 2, "excludes")]:
            self.assertIn(said, self.run_program("sample", "run", *words, status=status))
        with_tokens = self.run_program("sample", "run", "--tokens", "97,98", "--length", "4",
                                       "--temperature", "0")
        self.assertEqual(with_tokens, self.run_program("sample", "run", "--prompt", "ab",
                                                       "--length", "4", "--temperature", "0"))

    def test_sample_of_a_model_without_bytes(self):
        tokens = array.array("H", (i % 300 for i in range(4000)))
        (self.folder / "tokens.bin").write_bytes(tokens.tobytes())
        self.train(*SMALL, "--set", "model.vocabulary=300", "--set", "output.directory=more",
                   "--set", "data.train=tokens.bin")
        self.assertIn("--tokens", self.run_program("sample", "more", "--prompt", "x", status=1))
        said = self.run_program("sample", "more", "--tokens", "5,7,299", "--length", "40")
        self.assertRegex(said, r"^5 7 299( \d+){40} \n$")  # beyond the context of 16, too

    def test_curvature_of_few_rows(self):
        said = self.run_program("curvature", "run", "--match", "blocks.0.norm1.bias", "--top", "17",
                                status=1)
        self.assertIn("16 rows", said)
        found = json.loads(self.run_program("curvature", "run", "--match", "blocks.0.norm1.bias",
                                            "--top", "16", "--smallest", "1", "--json"))
        self.assertLessEqual(len(found["eigenvalues"]["largest"]), 16)

    def test_a_zero_hessian(self):
        # Without any weights the loss is that of guessing, whatever the biases of keys.
        self.train(*SMALL, "--set", "model.initial_scale=0", "--set", "schedule.peak=1e-30",
                   "--set", "output.directory=zero", "--set", "optimizer.weight_decay=0")
        said = self.run_program("curvature", "zero", "--match", "blocks.0.mlp.up.bias")
        self.assertIn("the matrix is zero", said)
        self.assertNotIn("nan", said)

    def test_a_state_that_lacks_something(self):
        try:
            import h5py
        except ImportError:
            self.skipTest("needs h5py")
        for path in (self.folder / "run/checkpoints").glob("*.h5"):
            with h5py.File(path, "r+") as file:
                state = json.loads(file.attrs["state"])
                del state["losses"]
                file.attrs["state"] = json.dumps(state)
                del file.attrs["text_checksum"]
                file.attrs["writer"] = "a test"
        said = self.train("--resume", "--set", "training.steps=3", status=1)
        self.assertIn("'losses'", said)
        self.assertNotIn("json.exception", said)


if __name__ == "__main__":
    unittest.main(argv=["words_test.py"])
